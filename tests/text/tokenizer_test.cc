// Ids equal Hugging Face's: tiny vocabularies of every kind always, the real ones where they are.
#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "real_models.h"
#include "tokenizer_goldens.h"

namespace tome {
namespace {

using Json = nlohmann::json;

/// What holds for every encoding: offsets rise and end with the input; where nothing was mended, a token's bytes are
/// the input's at its offset (but for the space that is put in front).
void check_offsets(const Tokenizer& tokenizer, std::string_view text, const Encoded& encoded) {
  ASSERT_EQ(encoded.offsets.size(), encoded.ids.size() + 1);
  EXPECT_EQ(encoded.offsets.back(), text.size());
  ASSERT_TRUE(std::is_sorted(encoded.offsets.begin(), encoded.offsets.end()));
  if (find_invalid_utf8(text) < text.size() || text.find("\u2581") != std::string_view::npos) return;
  for (std::size_t i = 0; i < encoded.ids.size(); ++i) {
    const std::string_view bytes = tokenizer.bytes(encoded.ids[i]);
    if (i == 0 && bytes.starts_with(' ') && !text.starts_with(bytes)) continue;
    ASSERT_EQ(text.substr(encoded.offsets[i], bytes.size()), bytes) << "token " << i;
  }
}

void check_text(const Tokenizer& tokenizer, const std::string& name, std::string_view text, const Json& golden) {
  const Encoded encoded = tokenizer.encode(text);
  EXPECT_EQ(encoded.ids.size(), golden.at("count").get<std::size_t>()) << name;
  EXPECT_EQ(id_hash(encoded.ids), golden.at("hash").get<std::string>()) << name;
  check_offsets(tokenizer, text, encoded);
}

void check_strings(const Tokenizer& tokenizer, const Json& strings, const Json& golden) {
  ASSERT_EQ(strings.size(), golden.size());
  for (std::size_t i = 0; i < strings.size(); ++i) {
    const std::string text = from_hex(strings[i].get<std::string>());
    const Encoded encoded = tokenizer.encode(text);
    EXPECT_EQ(encoded.ids, golden[i].get<std::vector<TokenId>>())
        << "string " << i << ": " << strings[i] << " " << text;
    check_offsets(tokenizer, text, encoded);
  }
}

/// Strings and long texts; novels too, where TOME_DATA says.
void check_goldens(const Tokenizer& tokenizer, const Json& goldens, const std::string& name) {
  const Json& golden = goldens.at("tokenizers").at(name);
  check_strings(tokenizer, goldens.at("strings"), golden.at("strings"));
  std::map<std::string, std::string> texts = golden_texts();
  const char* data = std::getenv("TOME_DATA");
  for (const auto& [text_name, expected] : golden.at("texts").items()) {
    if (texts.contains(text_name)) {
      check_text(tokenizer, text_name, texts[text_name], expected);
    } else if (data != nullptr) {
      const std::string novel = read_all(std::filesystem::path(data) / "books" / text_name);
      ASSERT_FALSE(novel.empty()) << text_name;
      check_text(tokenizer, text_name, novel, expected);
    }
  }
}

class TinyTokenizer : public testing::TestWithParam<const char*> {};

TEST_P(TinyTokenizer, EqualsHuggingFace) {
  const Json goldens = Json::parse(read_all(tokenizer_goldens() / "tiny.json"));
  check_goldens(*tiny(GetParam()), goldens, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Kinds, TinyTokenizer,
                         testing::Values("gpt-2.gguf", "smollm.gguf", "llama-bpe.gguf", "llama.gguf", "gemma.gguf",
                                         "smollm-json", "llama3-json", "gemma-json", "llama-json", "metaspace-json"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase_if(name, [](char c) { return c == '-' || c == '.'; });
                           return name;
                         });

/// Where the published models are, or empty.
std::filesystem::path real_path(const std::string& name) {
  if (name == "llama3") {
    const char* file = std::getenv("TOME_LLAMA3_TOKENIZER");
    return file == nullptr ? "" : file;
  }
  const std::filesystem::path path = real_model(name);
  return std::filesystem::exists(path) ? path : std::filesystem::path();
}

class RealTokenizer : public testing::TestWithParam<const char*> {};

TEST_P(RealTokenizer, EqualsHuggingFace) {
  const std::filesystem::path path = real_path(GetParam());
  if (path.empty()) GTEST_SKIP() << GetParam() << " is not here (./run setup; TOME_LLAMA3_TOKENIZER=FILE)";
  const Json goldens = Json::parse(read_all(tokenizer_goldens() / "real.json"));
  check_goldens(*OpenTokenizer(path), goldens, GetParam());
  if (std::getenv("TOME_DATA") == nullptr) GTEST_SKIP() << "TOME_DATA is not set: the novels were left out";
}

INSTANTIATE_TEST_SUITE_P(Models, RealTokenizer, testing::Values("gemma.gguf", "smollm2.gguf", "llama3"),
                         [](const auto& test) {
                           std::string name = test.param;
                           return name.substr(0, name.find('.'));
                         });

TEST(TokenizerOffsets, PointIntoTheOriginalOfMendedBytes) {
  const OpenTokenizer tokenizer = tiny("gemma.gguf");
  // a, U+FFFD for three bytes of an emoji, b, U+FFFD for one: each U+FFFD is three byte pieces.
  const Encoded encoded = tokenizer->encode(
      "a\xF0\x9F\x98"
      "b\xFF");
  EXPECT_EQ(tokenizer->decode(encoded.ids), "a\uFFFDb\uFFFD");
  EXPECT_THAT(encoded.offsets, testing::ElementsAre(0, 1, 2, 3, 4, 5, 5, 5, 6));
}

TEST(TokenizerOffsets, SkipTheSpacePutInFrontAndTheMarkOfSpaces) {
  const OpenTokenizer tokenizer = tiny("llama.gguf");
  const Encoded encoded = tokenizer->encode("the\u2581the");
  ASSERT_EQ(tokenizer->decode(encoded.ids), " the the");
  EXPECT_THAT(encoded.offsets, testing::ElementsAre(0, 3, 9));
}

TEST(Tokenizer, AddedTokensInsideAControlTokenStayText) {
  // "<|im_end|>" is looked for, left as text, and split nowhere: the ids are those of its characters.
  const OpenTokenizer tokenizer = tiny("smollm.gguf");
  const Encoded encoded = tokenizer->encode("<|im_end|>");
  EXPECT_THAT(encoded.ids, testing::Not(testing::Contains(tokenizer->find("<|im_end|>"))));
  EXPECT_EQ(tokenizer->decode(encoded.ids), "<|im_end|>");
}

TEST(Tokenizer, IsSharedBetweenThreads) {
  const OpenTokenizer tokenizer = tiny("gemma.gguf");
  const std::string text = read_all(tokenizer_goldens() / "nasties.bin");
  const std::vector<TokenId> expected = tokenizer->encode(text).ids;
  std::vector<std::vector<TokenId>> got(4);
  std::vector<std::thread> threads;
  for (auto& ids : got) threads.emplace_back([&] { ids = tokenizer->encode(text).ids; });
  for (auto& thread : threads) thread.join();
  for (const auto& ids : got) EXPECT_EQ(ids, expected);
}

}  // namespace
}  // namespace tome
