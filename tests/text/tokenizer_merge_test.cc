// Which pair merges first. The expected ids are those of transformers 5.23 and tokenizers 0.23.3 for these
// vocabularies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tokenizer_vocabulary.h"

namespace tome {
namespace {

using testing::ElementsAre;

Vocabulary sentencepiece(const std::string& architecture, Strings tokens, std::vector<float> scores) {
  Vocabulary vocabulary;
  vocabulary.architecture = architecture;
  vocabulary.model = "llama";
  vocabulary.types = std::vector<std::int32_t>(tokens.size(), 1);
  vocabulary.types->front() = 2;
  vocabulary.tokens = std::move(tokens);
  vocabulary.scores = std::move(scores);
  vocabulary.merges.reset();
  vocabulary.add_space_prefix = false;
  vocabulary.ids = {{"unknown", 0}};
  return vocabulary;
}

TEST(Merges, OfEqualScoresTheLongerRightPartGoesFirst) {
  const Vocabulary vocabulary =
      sentencepiece("llama", {"<unk>", "a", "b", "c", "d", "ab", "bcd", "cd"}, {0, -9, -9, -9, -9, -5, -5, 0});
  EXPECT_THAT(encode_with(vocabulary, "abcd"), ElementsAre(1, 6));
  EXPECT_THAT(encode_with(vocabulary, "abcdabcd"), ElementsAre(1, 6, 1, 6));
}

TEST(Merges, LlamaGoesByScoresGemmaByIds) {
  const Strings tokens{"<unk>", "a", "b", "c", "bc", "ab"};
  const std::vector<float> scores{0, 0, 0, 0, -9, 0};
  EXPECT_THAT(encode_with(sentencepiece("llama", tokens, scores), "abc"), ElementsAre(5, 3));
  EXPECT_THAT(encode_with(sentencepiece("gemma3", tokens, scores), "abc"), ElementsAre(1, 4));
}

TEST(Merges, CrossASpaceWhereAPieceDoes) {
  const Strings tokens{"<unk>", "a", "b", "\u2581", "a\u2581", "\u2581b", "bb"};
  for (const char* architecture : {"llama", "gemma3"}) {
    const Vocabulary vocabulary = sentencepiece(architecture, tokens, {0, -9, -9, -9, -1, -2, -3});
    EXPECT_THAT(encode_with(vocabulary, "a b"), ElementsAre(4, 2));
    EXPECT_THAT(encode_with(vocabulary, "a  b"), ElementsAre(4, 5));
    EXPECT_THAT(encode_with(vocabulary, "b b"), ElementsAre(2, 5));
    EXPECT_THAT(encode_with(vocabulary, "abb b a bb  b"), ElementsAre(1, 6, 5, 3, 4, 6, 3, 5));
  }
}

TEST(Merges, UnknownCharactersFuse) {
  const Vocabulary vocabulary = sentencepiece("llama", {"<unk>", "a", "b", "c", "bc", "ab"}, {0, 0, 0, 0, -9, 0});
  EXPECT_THAT(encode_with(vocabulary, "a??b?"), ElementsAre(1, 0, 2, 0));
}

}  // namespace
}  // namespace tome
