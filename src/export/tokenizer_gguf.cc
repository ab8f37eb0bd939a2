#include "export/tokenizer_gguf.h"

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "base/mapped_file.h"
#include "text/tokenizer_json_parts.h"

namespace tome {
namespace {

namespace fs = std::filesystem;

Json read_tokenizer_json(const fs::path& path) {
  const MappedFile file(path);
  return parse_json({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, path.string());
}

std::string pre_tokenizer_name(PreTokenizer kind) {
  switch (kind) {
    case PreTokenizer::kLlama3:
      return "llama-bpe";
    case PreTokenizer::kSmolLM:
      return "smollm";
    default:
      return "gpt-2";
  }
}

/// Every merge as "LEFT RIGHT".
std::vector<std::string> read_merges(const Json& root) {
  std::vector<std::string> merges;
  for (const Json& merge : member(member(root, "model"), "merges")) {
    merges.push_back(merge.is_string() ? merge.get<std::string>()
                                       : cat(merge[0].get<std::string>(), ' ', merge[1].get<std::string>()));
  }
  return merges;
}

/// Scores as SentencePiece's trainer gives them: minus the place at which a piece first comes about by merging. Other
/// pieces never come about so.
std::vector<float> scores_of_merges(const std::vector<std::string>& spelled, const std::vector<std::string>& merges) {
  std::unordered_map<std::string_view, std::size_t> ids;
  for (std::size_t i = 0; i < spelled.size(); ++i) ids.emplace(spelled[i], i);
  std::vector<float> scores(spelled.size(), -static_cast<float>(spelled.size()));
  std::vector<bool> ranked(spelled.size());
  float next = 0;
  for (const std::string& merge : merges) {
    std::string piece = merge;
    piece.erase(piece.find(' ', 1), 1);
    const auto found = ids.find(piece);
    if (found == ids.end() || ranked[found->second]) continue;
    ranked[found->second] = true;
    scores[found->second] = next;
    next -= 1;
  }
  return scores;
}

std::string unknown_token(const Json& root) {
  const Json& unknown = member(member(root, "model"), "unk_token");
  return unknown.is_string() ? unknown.get<std::string>() : std::string();
}

void add_ids(GgufWriter& writer, const Tokenizer& tokenizer, const std::string& unknown) {
  const auto add = [&](const char* key, TokenId id) {
    if (id >= 0) writer.add(key, static_cast<std::uint32_t>(id));
  };
  add("tokenizer.ggml.bos_token_id", tokenizer.bos());
  if (!tokenizer.end_tokens().empty()) add("tokenizer.ggml.eos_token_id", tokenizer.end_tokens().front());
  for (const char* turn : {"<end_of_turn>", "<|eot_id|>", "<|im_end|>"}) {
    if (tokenizer.find(turn) < 0) continue;
    add("tokenizer.ggml.eot_token_id", tokenizer.find(turn));
    break;
  }
  if (!unknown.empty()) add("tokenizer.ggml.unknown_token_id", tokenizer.find(unknown));
  add("tokenizer.ggml.padding_token_id", tokenizer.find("<pad>"));
  writer.add("tokenizer.ggml.add_bos_token", tokenizer.add_bos());
  writer.add("tokenizer.ggml.add_eos_token", false);
  if (!tokenizer.chat_template().empty()) {
    writer.add("tokenizer.chat_template", std::string_view(tokenizer.chat_template()));
  }
}

}  // namespace

void add_tokenizer_keys(GgufWriter& writer, const fs::path& folder, const ModelConfig& config) {
  const auto tokenizer = make_tokenizer(folder);  // checks what is read below
  const std::string where = (folder / "tokenizer.json").string();
  const Json root = read_tokenizer_json(where);
  const JsonPreparation preparation = read_json_preparation(root, where);
  JsonVocabulary vocabulary = read_json_vocabulary(root, where);
  if (vocabulary.spelled.size() > config.vocabulary) {
    throw_user_error(where, ": has ", vocabulary.spelled.size(), " pieces, the model's embedding only ",
                     config.vocabulary, " rows");
  }
  while (vocabulary.spelled.size() < config.vocabulary) {
    vocabulary.spelled.push_back(cat("[PAD", vocabulary.spelled.size(), "]"));
    vocabulary.types.push_back(PieceType::kUnused);
  }
  const std::string unknown = unknown_token(root);
  std::vector<std::string_view> tokens;
  std::vector<std::int32_t> types;
  for (std::size_t i = 0; i < vocabulary.spelled.size(); ++i) {
    const bool is_unknown = !unknown.empty() && vocabulary.spelled[i] == unknown;
    tokens.emplace_back(vocabulary.spelled[i]);
    types.push_back(static_cast<std::int32_t>(is_unknown ? PieceType::kUnknown : vocabulary.types[i]));
  }
  const std::vector<std::string> merges = read_merges(root);
  const std::vector<std::string_view> merge_views(merges.begin(), merges.end());
  writer.add("tokenizer.ggml.model", std::string_view(preparation.byte_level ? "gpt2" : "llama"));
  writer.add("tokenizer.ggml.pre",
             std::string_view(preparation.byte_level ? pre_tokenizer_name(preparation.pre_tokenizer) : "default"));
  writer.add_array("tokenizer.ggml.tokens", std::span<const std::string_view>(tokens));
  writer.add_array("tokenizer.ggml.token_type", std::span<const std::int32_t>(types));
  if (!preparation.byte_level) {
    const std::vector<float> scores = scores_of_merges(vocabulary.spelled, merges);
    writer.add_array("tokenizer.ggml.scores", std::span<const float>(scores));
    writer.add("tokenizer.ggml.add_space_prefix", preparation.prefix != SentencePieceSettings::Prefix::kNone);
  }
  // A Gemma vocabulary ranks by its ids; its half a million merges say nothing more.
  if (preparation.byte_level || config.family != Family::kGemma3) {
    writer.add_array("tokenizer.ggml.merges", std::span<const std::string_view>(merge_views));
  }
  add_ids(writer, *tokenizer, unknown);
}

}  // namespace tome
