// Broken vocabularies are UserErrors that name what is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "base/error.h"
#include "memory_file.h"
#include "text/tokenizer_json.h"
#include "tokenizer_goldens.h"
#include "tokenizer_vocabulary.h"

namespace tome {
namespace {

using Json = nlohmann::json;
void expect_refused(const std::function<void()>& action, const std::string& part) {
  try {
    action();
    ADD_FAILURE() << "no error, expected one with: " << part;
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(part));
    EXPECT_EQ(std::string_view(error.what()).find_first_of("\n\r\x1b"), std::string_view::npos) << error.what();
  }
}

Vocabulary sentencepiece() {
  Vocabulary vocabulary;
  vocabulary.model = "llama";
  vocabulary.merges.reset();
  return vocabulary;
}

TEST(HostileGguf, TheGoodOnesWork) {
  EXPECT_THAT(encode_with({}, "abcab"), testing::ElementsAre(4, 3));
  EXPECT_THAT(encode_with(sentencepiece(), "abcab"), testing::ElementsAre(5, 4, 3));  // unknown: the space put in front
}

TEST(HostileGguf, IsRefusedByName) {
  const std::pair<std::string, std::function<void(Vocabulary&)>> cases[] = {
      {"'wordpiece' is not known", [](Vocabulary& v) { v.model = "wordpiece"; }},
      {"tokenizer.ggml.model", [](Vocabulary& v) { v.model.reset(); }},
      {"'tekken\\x0a' is not known", [](Vocabulary& v) { v.pre = "tekken\n"; }},
      {"tokenizer.ggml.pre", [](Vocabulary& v) { v.pre.reset(); }},
      {"no vocabulary", [](Vocabulary& v) { v.tokens.reset(); }},
      {"no vocabulary", [](Vocabulary& v) { v.tokens = Strings{}; }},
      {"tokens 0 and 1 are spelled the same", [](Vocabulary& v) { v.tokens->at(1) = v.tokens->at(0); }},
      {"token_type has 5 entries, expected 6", [](Vocabulary& v) { v.types->pop_back(); }},
      {"token_type: got 7", [](Vocabulary& v) { v.types->at(2) = 7; }},
      {"byte piece in a gpt2", [](Vocabulary& v) { v.types->at(2) = 6; }},
      {"merges is missing", [](Vocabulary& v) { v.merges.reset(); }},
      {"merges: entry 1 names a token", [](Vocabulary& v) { v.merges->at(1) = "ab z"; }},
      {"merges: entry 1 names a token", [](Vocabulary& v) { v.merges->at(1) = "c ab"; }},
      {"merges: entry 0 is not two", [](Vocabulary& v) { v.merges->at(0) = "ab"; }},
      {"merges: entry 0 is not two", [](Vocabulary& v) { v.merges->at(0) = "a b c"; }},
      {"merges: entry 0 is not two", [](Vocabulary& v) { v.merges->at(0) = ""; }},
      {"bos token: got id 6", [](Vocabulary& v) { v.ids["bos"] = 6; }},
      {"end token: got id 99", [](Vocabulary& v) { v.ids["eot"] = 99; }},
      {"bos_token_id: got -2", [](Vocabulary& v) { v.ids["bos"] = -2; }},
      {"added token 5 has 2000 bytes",
       [](Vocabulary& v) { v.tokens->at(5) = std::string(2000, 'x'), v.types->at(5) = 4; }},
      {"token 4 is too long", [](Vocabulary& v) { v.tokens->at(4) = std::string(100'000, 'x'); }},
  };
  for (const auto& [part, change] : cases) {
    Vocabulary vocabulary;
    change(vocabulary);
    expect_refused([&] { encode_with(vocabulary, "abcab"); }, part);
  }
}

TEST(HostileGguf, SentencePieceIsRefusedByName) {
  const std::pair<std::string, std::function<void(Vocabulary&)>> cases[] = {
      {"scores is missing", [](Vocabulary& v) { v.scores.reset(); }},
      {"scores has 7 entries, expected 6", [](Vocabulary& v) { v.scores->push_back(0); }},
      {"not a number", [](Vocabulary& v) { v.scores->at(1) = std::numeric_limits<float>::quiet_NaN(); }},
      {"not called <0x00>", [](Vocabulary& v) { v.types->at(1) = 6; }},
      {"0 byte pieces and no unknown token", [](Vocabulary& v) { v.ids.erase("unknown"); }},
      {"unknown_token_id: got 6", [](Vocabulary& v) { v.ids["unknown"] = 6; }},
      {"merges: entry 0 names", [](Vocabulary& v) { v.merges = Strings{"a x"}; }},
  };
  for (const auto& [part, change] : cases) {
    Vocabulary vocabulary = sentencepiece();
    change(vocabulary);
    expect_refused([&] { encode_with(vocabulary, "abcab"); }, part);
  }
}

TEST(HostileGguf, AControlTokenNeverComesOfText) {
  Vocabulary vocabulary;
  vocabulary.types->at(3) = 3;  // "ab", which merges would make
  EXPECT_THAT(encode_with(vocabulary, "abcab"), testing::ElementsAre(0, 1, 2, 0, 1));
  vocabulary.pre = "llama-bpe";  // takes a word whole when it is a piece
  vocabulary.types->at(3) = 1;
  vocabulary.tokens->push_back("abcab");
  vocabulary.types->push_back(3);
  EXPECT_THAT(encode_with(vocabulary, "abcab"), testing::ElementsAre(4, 3));
  vocabulary = sentencepiece();
  vocabulary.types->at(3) = 3;
  EXPECT_THAT(encode_with(vocabulary, "abcab"), testing::ElementsAre(5, 0, 1, 2, 0, 1));
}

/// A golden tokenizer.json as JSON, to be broken.
Json good_json(const std::string& name) { return Json::parse(read_all(tokenizer_goldens() / name / "tokenizer.json")); }

TEST(HostileJson, IsRefusedByName) {
  const std::pair<std::string, std::function<void(Json&)>> cases[] = {
      {"no model", [](Json& j) { j.erase("model"); }},
      {"'\"WordPiece\"' is not known", [](Json& j) { j["model"]["type"] = "WordPiece"; }},
      {"model.dropout", [](Json& j) { j["model"]["dropout"] = 0.5; }},
      {"end_of_word_suffix", [](Json& j) { j["model"]["end_of_word_suffix"] = "</w>"; }},
      {"no vocabulary", [](Json& j) { j["model"]["vocab"] = Json::array(); }},
      {"no tokens", [](Json& j) { j["model"]["vocab"] = Json::object(), j["added_tokens"] = Json::array(); }},
      {"the id of token 'x'", [](Json& j) { j["model"]["vocab"]["x"] = -1; }},
      {"the id of token 'x'", [](Json& j) { j["model"]["vocab"]["x"] = 1e300; }},
      {"the id of token 'x'", [](Json& j) { j["model"]["vocab"]["x"] = 18446744073709551615u; }},
      {"'xyzzy' is 8000000, far more", [](Json& j) { j["model"]["vocab"]["xyzzy"] = 8000000; }},
      {"have the same id 20", [](Json& j) { j["model"]["vocab"]["xyzzy"] = 20; }},
      {"no list of merges", [](Json& j) { j["model"].erase("merges"); }},
      {"merge 0 is not two", [](Json& j) { j["model"]["merges"][0] = 5; }},
      {"merge 0 is not two",
       [](Json& j) {
         j["model"]["merges"][0] = {"a", "b", "c"};
       }},
      {"merge 0 names", [](Json& j) { j["model"]["merges"][0] = "q"; }},
      {"merge 0 names",
       [](Json& j) {
         j["model"]["merges"][0] = {"q", "xyzzy"};
       }},
      {"added token '<think>' has id 3",
       [](Json& j) {
         j["added_tokens"].back() = {{"content", "<think>"}, {"id", 3}};
       }},
      {"no content",
       [](Json& j) {
         j["added_tokens"].push_back({{"id", 3}});
       }},
      {"expected 1 to",
       [](Json& j) {
         j["added_tokens"].push_back({{"id", 900}, {"content", ""}});
       }},
      {"added token", [](Json& j) { j["added_tokens"].back()["lstrip"] = true; }},
      {"normalizer",
       [](Json& j) {
         j["normalizer"] = {{"type", "NFC"}};
       }},
      {"pre-tokenizer",
       [](Json& j) {
         j["pre_tokenizer"] = {{"type", "Whitespace"}};
       }},
      {"pre-tokenizer", [](Json& j) { j["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"] = true; }},
      {"neither", [](Json& j) { j["pre_tokenizer"] = nullptr; }},
  };
  for (const auto& [part, change] : cases) {
    Json json = good_json("smollm-json");
    change(json);
    expect_refused([&] { make_json_tokenizer(json.dump(), "", "t.json"); }, part);
  }
}

TEST(HostileJson, IsRefusedBeforeItIsUnderstood) {
  const std::string good = good_json("llama-json").dump();
  expect_refused([&] { make_json_tokenizer(good.substr(0, good.size() / 2), "", "t.json"); }, "t.json: not valid JSON");
  expect_refused([&] { make_json_tokenizer("", "", "t.json"); }, "not valid JSON");
  expect_refused([&] { make_json_tokenizer("[1, 2]", "", "t.json"); }, "no model");
  expect_refused([&] { make_json_tokenizer(good, "{\"bos", "t.json"); }, "not valid JSON");
  expect_refused([&] { make_json_tokenizer(std::string(1'000'000, '['), "", "t.json"); }, "nested too deeply");
  EXPECT_NE(make_json_tokenizer(good, "[]", "t.json"), nullptr);  // a configuration that says nothing
}

TEST(HostileTiktoken, IsRefusedByName) {
  const std::pair<std::string, std::string> cases[] = {
      {"no tokens", ""},           {"line 1 is not a token", "IQ=="},        {"line 1 is not a token", "I 0"},
      {"line 1 is not", "IQ== x"}, {"line 2: got rank 5", "IQ== 0\nIg== 5"}, {"line 1 is not a token", "I*== 0"},
      {"byte 0 is not", "IQ== 0"}, {"spelled the same", "IQ== 0\nIQ== 1"},
  };
  for (const auto& [part, text] : cases) {
    const MemoryFile file(text);
    expect_refused([&] { make_tiktoken_tokenizer(file.path()); }, part);
  }
}

}  // namespace
}  // namespace tome
