// What a tokenizer says beside ids: bos, ends, template, pieces, fingerprint.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tokenizer_goldens.h"

namespace tome {
namespace {

using testing::ElementsAre;

TEST(TokenizerSettings, OfAByteLevelGguf) {
  const OpenTokenizer tokenizer = tiny("smollm.gguf");
  EXPECT_EQ(tokenizer->bos(), 1);
  EXPECT_FALSE(tokenizer->add_bos());
  EXPECT_THAT(tokenizer->end_tokens(), ElementsAre(2, 0));  // eos, and <|endoftext|> by its name
  EXPECT_EQ(tokenizer->chat_template(), "{{ messages }}");
  EXPECT_EQ(tokenizer->find("<|im_end|>"), 2);
  EXPECT_EQ(tokenizer->find("no such piece"), -1);
  EXPECT_EQ(tokenizer->bytes(2), "");  // control
  EXPECT_EQ(tokenizer->bytes(tokenizer->find("<think>")), "<think>");
  EXPECT_EQ(tokenizer->bytes(tokenizer->find(" the")), " the");
  EXPECT_EQ(tokenizer->bytes(-1), "");
  EXPECT_EQ(tokenizer->bytes(static_cast<TokenId>(tokenizer->vocabulary())), "");
}

TEST(TokenizerSettings, Llama3PutsBosInFrontUnlessTheFileSaysOtherwise) {
  EXPECT_TRUE(tiny("llama-bpe.gguf")->add_bos());
  EXPECT_FALSE(tiny("gpt-2.gguf")->add_bos());
}

TEST(TokenizerSettings, OfASentencePieceGguf) {
  const OpenTokenizer tokenizer = tiny("gemma.gguf");
  EXPECT_EQ(tokenizer->bos(), tokenizer->find("<bos>"));
  EXPECT_TRUE(tokenizer->add_bos());
  EXPECT_THAT(tokenizer->end_tokens(), ElementsAre(tokenizer->find("<eos>"), tokenizer->find("<end_of_turn>")));
  EXPECT_EQ(tokenizer->chat_template(), "");
  EXPECT_EQ(tokenizer->bytes(tokenizer->find("<0x0A>")), "\n");
  EXPECT_EQ(tokenizer->bytes(tokenizer->find("<0x00>")), std::string_view("\0", 1));
  EXPECT_EQ(tokenizer->bytes(tokenizer->find("   ")), "   ");
  EXPECT_EQ(tokenizer->decode({tokenizer->find("<bos>"), tokenizer->find("<b>"), tokenizer->find(" the")}), "<b> the");
}

TEST(TokenizerSettings, OfHuggingFaceFolders) {
  const OpenTokenizer smollm = tiny("smollm-json");
  EXPECT_EQ(smollm->bos(), 1);
  EXPECT_FALSE(smollm->add_bos());
  EXPECT_THAT(smollm->end_tokens(), ElementsAre(2, 0));
  EXPECT_EQ(smollm->chat_template(), "{{ messages }}");  // the one called default
  EXPECT_TRUE(tiny("llama3-json")->add_bos());           // by its post-processor
  EXPECT_TRUE(tiny("gemma-json")->add_bos());            // by tokenizer_config.json
  EXPECT_FALSE(tiny("llama-json")->add_bos());
  EXPECT_EQ(tiny("metaspace-json")->bos(), -1);  // no word about it
}

TEST(TokenizerSettings, FingerprintsTellTokenizersApart) {
  std::map<std::uint64_t, std::string> names;
  for (const char* name : {"gpt-2.gguf", "smollm.gguf", "llama-bpe.gguf", "llama.gguf", "gemma.gguf", "gemma-json"}) {
    const std::uint64_t fingerprint = tiny(name)->fingerprint();
    EXPECT_EQ(fingerprint, tiny(name)->fingerprint());
    EXPECT_TRUE(names.emplace(fingerprint, name).second) << name << " and " << names[fingerprint];
  }
}

TEST(TokenizerSettings, BytesMayBeHalfACharacter) {
  const OpenTokenizer tokenizer = tiny("gpt-2.gguf");
  const std::string text = "\U0001F600";
  const std::vector<TokenId> ids = tokenizer->encode(text).ids;
  ASSERT_GT(ids.size(), 1u);
  Utf8Stream stream;
  std::string streamed;
  for (const TokenId id : ids) streamed += stream.push(tokenizer->bytes(id));
  EXPECT_EQ(streamed, text);
}

}  // namespace
}  // namespace tome
