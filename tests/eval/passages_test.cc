#include "eval/answerers/passages.h"

#include <gmock/gmock.h>

#include <numeric>

#include "base/random.h"
#include "text/letter_tokenizer.h"
#include "text/utf8.h"

namespace tome::eval {
namespace {

using testing::ElementsAre;

/// A byte is a token.
std::vector<std::uint32_t> bytes(std::string_view text) {
  std::vector<std::uint32_t> begins(text.size() + 1);
  std::iota(begins.begin(), begins.end(), 0u);
  return begins;
}

TEST(Passages, EndWithSentences) {
  EXPECT_THAT(cut_passages("One two. Three four! (Five.) six seven eight", 12, bytes),
              ElementsAre("One two. ", "Three four! ", "(Five.) ", "six seven ", "eight"));
}

TEST(Passages, EndWithLines) {
  EXPECT_THAT(cut_passages("line a: 1\nline b: 2\nline c: 3", 24, bytes),
              ElementsAre("line a: 1\nline b: 2\n", "line c: 3"));
}

TEST(Passages, ASentenceInTheFirstHalfIsNoPlaceToCut) {
  EXPECT_THAT(cut_passages("A. bcdefgh ijklmnop", 12, bytes), ElementsAre("A. bcdefgh ", "ijklmnop"));
}

TEST(Passages, LongWordsAreCutBetweenCharacters) {
  EXPECT_THAT(cut_passages("abcdefghij", 4, bytes), ElementsAre("abcd", "efgh", "ij"));
  EXPECT_THAT(cut_passages("ääää", 3, bytes), ElementsAre("ää", "ää"));
  EXPECT_THAT(cut_passages("一二。三四", 12, bytes), ElementsAre("一二。", "三四"));
}

TEST(Passages, SmallOnes) {
  EXPECT_TRUE(cut_passages("", 5, bytes).empty());
  EXPECT_THAT(cut_passages("a", 5, bytes), ElementsAre("a"));
  EXPECT_THAT(cut_passages("ab", 1, bytes), ElementsAre("a", "b"));
}

TEST(Passages, NoByteIsLostWhateverTheText) {
  const RandomStream random(1, 1);
  const LetterTokenizer tokenizer;
  const std::string_view pieces[] = {"a",   "bc", " ", ". ", "\n", "ä", "。", "\xff", "\xe4", std::string_view("\0", 1),
                                     "!\" "};
  for (std::uint64_t round = 0; round < 300; ++round) {
    std::string text;
    for (std::uint64_t i = 0; i < random.bits(1000 * round) % 100; ++i)
      text += pieces[random.bits(1000 * round + i + 1) % 11];
    const std::int64_t tokens = 1 + random.bits(1000 * round + 500) % 20;
    std::string all;
    for (const std::string_view passage : cut_passages(text, tokens, offsets_of(tokenizer))) {
      EXPECT_FALSE(passage.empty());
      EXPECT_LE(static_cast<std::int64_t>(passage.size()), tokens + 3);
      all += passage;
    }
    EXPECT_EQ(all, text);
  }
}

}  // namespace
}  // namespace tome::eval
