// tokenizer.json: https://huggingface.co/docs/tokenizers (no page describes the file; its readers are the reference).
#include "export/tokenizer_folder.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <unordered_map>

#include "base/error.h"
#include "text/bpe_pieces.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer.h"

namespace tome {
namespace {

using nlohmann::json;

constexpr const char* kSpaceMark = "\u2581";
constexpr const char* kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

std::string json_string(std::string_view text) {
  return json(std::string(text)).dump(-1, ' ', false, json::error_handler_t::replace);
}

/// The vocabulary of a GGUF, spelled as tokenizer.json spells it.
struct Vocabulary {
  std::vector<std::string> spelled;
  std::vector<PieceType> types;
};

Vocabulary read_vocabulary(const GgufFile& gguf, bool gemma) {
  Vocabulary out;
  const auto tokens = gguf.get<std::vector<std::string_view>>("tokenizer.ggml.tokens");
  const auto types = gguf.find<std::vector<std::int64_t>>("tokenizer.ggml.token_type");
  const bool sentencepiece = gguf.get<std::string_view>("tokenizer.ggml.model") == "llama";
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    out.spelled.emplace_back(tokens[i]);
    const bool byte = sentencepiece && Pieces::byte_value(tokens[i]) >= 0;
    out.types.push_back(types ? static_cast<PieceType>((*types)[i]) : byte ? PieceType::kByte : PieceType::kNormal);
    // Gemma's files have runs of spaces as user-defined pieces; in its tokenizer they come about by merging.
    const bool spaces = tokens[i].find_first_not_of(' ') == std::string_view::npos;
    if (gemma && out.types.back() == PieceType::kUser && spaces) {
      out.types.back() = PieceType::kNormal;
      out.spelled.back().clear();
      for (std::size_t n = 0; n < tokens[i].size(); ++n) out.spelled.back() += kSpaceMark;
    }
  }
  return out;
}

bool is_text(PieceType type) {
  return type == PieceType::kNormal || type == PieceType::kUser || type == PieceType::kUnused;
}

/// Ids in the order in which SentencePiece prefers them: by score, Gemma's by id.
std::vector<std::size_t> preferred(const GgufFile& gguf, std::size_t count, bool gemma) {
  std::vector<std::size_t> ids(count);
  std::iota(ids.begin(), ids.end(), std::size_t{0});
  if (gemma) return ids;
  const auto scores = gguf.get<std::vector<float>>("tokenizer.ggml.scores");
  TOME_CHECK(scores.size() == count, scores.size());
  std::stable_sort(ids.begin(), ids.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  return ids;
}

/// Every way in which a piece comes about from two others, the preferred pieces first.
std::string merges_of_pieces(const Vocabulary& vocabulary, const std::vector<std::size_t>& order) {
  std::unordered_map<std::string_view, std::size_t> ids;
  for (std::size_t i = 0; i < vocabulary.spelled.size(); ++i) {
    if (is_text(vocabulary.types[i])) ids.emplace(vocabulary.spelled[i], i);
  }
  std::string out;
  std::vector<std::pair<std::size_t, std::size_t>> ways;
  for (const std::size_t id : order) {
    if (!is_text(vocabulary.types[id])) continue;
    const std::string_view piece = vocabulary.spelled[id];
    ways.clear();
    for (std::size_t cut = 1; cut < piece.size(); ++cut) {
      if ((static_cast<unsigned char>(piece[cut]) & 0xC0) == 0x80) continue;  // inside a character
      const auto left = ids.find(piece.substr(0, cut)), right = ids.find(piece.substr(cut));
      if (left != ids.end() && right != ids.end()) ways.emplace_back(left->second, right->second);
    }
    std::sort(ways.begin(), ways.end());
    for (const auto& [left, right] : ways) {
      out += out.empty() ? "[" : ",\n[";
      out += json_string(vocabulary.spelled[left]) + "," + json_string(vocabulary.spelled[right]) + "]";
    }
  }
  return out;
}

std::string merges_of_list(const GgufFile& gguf) {
  std::string out;
  for (const std::string_view merge : gguf.get<std::vector<std::string_view>>("tokenizer.ggml.merges")) {
    const std::size_t space = merge.find(' ', 1);
    TOME_CHECK(space != std::string_view::npos);
    out += out.empty() ? "[" : ",\n[";
    out += json_string(merge.substr(0, space)) + "," + json_string(merge.substr(space + 1)) + "]";
  }
  return out;
}

json byte_level(bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", use_regex}};
}

json byte_level_pre_tokenizer(PreTokenizer kind) {
  const auto sequence = [](const json& first, const json& second) -> json {
    return {{"type", "Sequence"}, {"pretokenizers", json::array({first, second})}};
  };
  switch (kind) {
    case PreTokenizer::kLlama3:
      return sequence(
          {{"type", "Split"}, {"pattern", {{"Regex", kLlama3Pattern}}}, {"behavior", "Isolated"}, {"invert", false}},
          byte_level(false));
    case PreTokenizer::kSmolLM:
      return sequence({{"type", "Digits"}, {"individual_digits", true}}, byte_level(true));
    default:
      return byte_level(true);
  }
}

json replace(const char* from, const char* to) {
  return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

bool is_byte_level(const GgufFile& gguf) { return gguf.get<std::string_view>("tokenizer.ggml.model") == "gpt2"; }

PreTokenizer pre_tokenizer_of(const GgufFile& gguf) {
  return *pre_tokenizer_by_name(gguf.get<std::string_view>("tokenizer.ggml.pre"));
}

/// `model`, without its vocab and merges.
json make_model(const GgufFile& gguf, const Vocabulary& vocabulary) {
  json model = {{"type", "BPE"},
                {"dropout", nullptr},
                {"unk_token", nullptr},
                {"continuing_subword_prefix", nullptr},
                {"end_of_word_suffix", nullptr}};
  const bool bytes = is_byte_level(gguf);
  model["byte_fallback"] = model["fuse_unk"] = !bytes;
  model["ignore_merges"] = bytes && pre_tokenizer_of(gguf) == PreTokenizer::kLlama3;
  const auto unknown = gguf.find<std::int64_t>("tokenizer.ggml.unknown_token_id");
  if (!bytes && unknown) model["unk_token"] = vocabulary.spelled[static_cast<std::size_t>(*unknown)];
  return model;
}

void add_sentencepiece_stages(json& root, bool prefix) {
  json steps = json::array({replace(kSpaceMark, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}});
  if (prefix) {
    const json prepend = {{"type", "Prepend"}, {"prepend", kSpaceMark}};
    root["normalizer"] = {{"type", "Sequence"}, {"normalizers", json::array({prepend, replace(" ", kSpaceMark)})}};
    steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  } else {
    root["normalizer"] = replace(" ", kSpaceMark);
    root["pre_tokenizer"] = {
        {"type", "Split"}, {"pattern", {{"String", " "}}}, {"behavior", "MergedWithPrevious"}, {"invert", false}};
  }
  root["decoder"] = {{"type", "Sequence"}, {"decoders", steps}};
}

/// Puts BOS in front of a text, and of each of two.
json bos_template(const std::string& bos, TokenId id) {
  const auto token = [&](int sequence) -> json { return {{"SpecialToken", {{"id", bos}, {"type_id", sequence}}}}; };
  const auto text = [](const char* name, int sequence) -> json {
    return {{"Sequence", {{"id", name}, {"type_id", sequence}}}};
  };
  const json special = {{"id", bos}, {"ids", json::array({id})}, {"tokens", json::array({bos})}};
  return {{"type", "TemplateProcessing"},
          {"single", json::array({token(0), text("A", 0)})},
          {"pair", json::array({token(0), text("A", 0), token(1), text("B", 1)})},
          {"special_tokens", {{bos, special}}}};
}

json added_tokens(const Vocabulary& vocabulary) {
  json added = json::array();
  for (std::size_t i = 0; i < vocabulary.spelled.size(); ++i) {
    const bool special = vocabulary.types[i] == PieceType::kControl || vocabulary.types[i] == PieceType::kUnknown;
    if (!special && vocabulary.types[i] != PieceType::kUser) continue;
    added.push_back({{"id", i},
                     {"content", vocabulary.spelled[i]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", special}});
  }
  return added;
}

/// Everything of tokenizer.json but its model.
json make_stages(const GgufFile& gguf, const Tokenizer& tokenizer, const Vocabulary& vocabulary, bool gemma) {
  json root = {{"version", "1.0"},      {"truncation", nullptr},    {"padding", nullptr},
               {"normalizer", nullptr}, {"pre_tokenizer", nullptr}, {"post_processor", nullptr}};
  if (is_byte_level(gguf)) {
    root["pre_tokenizer"] = byte_level_pre_tokenizer(pre_tokenizer_of(gguf));
    root["decoder"] = byte_level(true);
  } else {
    add_sentencepiece_stages(root, gguf.find<bool>("tokenizer.ggml.add_space_prefix").value_or(!gemma));
  }
  if (tokenizer.add_bos() && tokenizer.bos() >= 0) {
    root["post_processor"] =
        bos_template(vocabulary.spelled[static_cast<std::size_t>(tokenizer.bos())], tokenizer.bos());
  }
  root["added_tokens"] = added_tokens(vocabulary);
  return root;
}

/// `object`, with `member` as its last one.
std::string with_member(const json& object, const std::string& name, const std::string& member) {
  std::string text = object.dump(-1, ' ', false, json::error_handler_t::replace);
  text.pop_back();
  return text + ",\n\"" + name + "\":" + member + "}";
}

std::string make_config(const GgufFile& gguf, const Tokenizer& tokenizer, const Vocabulary& vocabulary) {
  json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                 {"clean_up_tokenization_spaces", false},
                 {"add_bos_token", tokenizer.add_bos()}};
  const auto name = [&](const char* as, std::int64_t id) {
    if (id >= 0 && id < static_cast<std::int64_t>(vocabulary.spelled.size())) {
      config[as] = vocabulary.spelled[static_cast<std::size_t>(id)];
    }
  };
  const auto id_of = [&](const char* key) { return gguf.find<std::int64_t>(key).value_or(-1); };
  name("bos_token", tokenizer.bos());
  name("eos_token", id_of("tokenizer.ggml.eos_token_id"));
  name("unk_token", id_of("tokenizer.ggml.unknown_token_id"));
  name("pad_token", id_of("tokenizer.ggml.padding_token_id"));
  if (!tokenizer.chat_template().empty()) config["chat_template"] = tokenizer.chat_template();
  return config.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace

TokenizerFiles make_tokenizer_files(const GgufFile& gguf) {
  const auto tokenizer = make_tokenizer(gguf);  // checks what is read below
  const bool gemma = gguf.get<std::string_view>("general.architecture").starts_with("gemma");
  const Vocabulary vocabulary = read_vocabulary(gguf, gemma);
  // A vocabulary of 262,144 pieces and half a million merges is written as text: it needs no tree.
  std::string vocab;
  for (std::size_t i = 0; i < vocabulary.spelled.size(); ++i) {
    vocab += cat(vocab.empty() ? "{" : ",\n", json_string(vocabulary.spelled[i]), ":", i);
  }
  const bool lists_merges = gguf.metadata().contains("tokenizer.ggml.merges");
  const std::string merges = lists_merges
                                 ? merges_of_list(gguf)
                                 : merges_of_pieces(vocabulary, preferred(gguf, vocabulary.spelled.size(), gemma));
  json model = make_model(gguf, vocabulary);
  std::string model_text = with_member(model, "vocab", vocab + "}");
  model_text.pop_back();
  model_text += ",\n\"merges\":[" + merges + "]}";
  return {with_member(make_stages(gguf, *tokenizer, vocabulary, gemma), "model", model_text) + "\n",
          make_config(gguf, *tokenizer, vocabulary)};
}

}  // namespace tome
