// The pre-tokenizers cut where Hugging Face's do, whatever a vocabulary would hide of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/pre_tokenizer.h"
#include "text/tokenizer_rewrite.h"
#include "tokenizer_goldens.h"

namespace tome {
namespace {

using Json = nlohmann::json;

/// Bytes of each word of the text, mended.
std::vector<int> word_lengths(PreTokenizer kind, std::string_view bytes) {
  const Rewriter mended = mend_utf8(bytes);
  const std::string_view text = mended.text();
  std::vector<int> lengths;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = word_end(kind, text, at);
    lengths.push_back(static_cast<int>(end - at));
    at = end;
  }
  return lengths;
}

class Words : public testing::TestWithParam<const char*> {};

TEST_P(Words, AreHuggingFaces) {
  const PreTokenizer kind = pre_tokenizer_by_name(GetParam()).value();
  const Json goldens = Json::parse(read_all(tokenizer_goldens() / "words.json"));
  const Json& golden = goldens.at("words").at(GetParam());
  for (std::size_t i = 0; i < goldens.at("strings").size(); ++i) {
    const std::string text = from_hex(goldens["strings"][i].get<std::string>());
    EXPECT_EQ(word_lengths(kind, text), golden.at("strings").at(i).get<std::vector<int>>()) << i << ": " << text;
  }
  for (const auto& [name, expected] : golden.at("texts").items()) {
    const std::string text = name == "company" ? characters_in_company() : golden_texts().at(name);
    const std::vector<int> lengths = word_lengths(kind, text);
    EXPECT_EQ(lengths.size(), expected.at("count").get<std::size_t>()) << name;
    EXPECT_EQ(id_hash(lengths), expected.at("hash").get<std::string>()) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, Words, testing::Values("gpt-2", "smollm", "llama-bpe"), [](const auto& test) {
  std::string name = test.param;
  std::erase(name, '-');
  return name;
});

TEST(PreTokenizer, UnknownNamesAreNothing) { EXPECT_EQ(pre_tokenizer_by_name("tekken"), std::nullopt); }

}  // namespace
}  // namespace tome
