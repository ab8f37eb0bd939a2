// Tokenizers from a GGUF's tokenizer.ggml.* keys.
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#tokenizer
#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "base/error.h"
#include "formats/printable.h"
#include "text/bpe_byte_level.h"
#include "text/sentencepiece.h"
#include "text/tokenizer.h"

namespace tome {
namespace {

using Strings = std::vector<std::string_view>;

/// The vocabulary's arrays, borrowed from the GGUF.
struct Source {
  const GgufFile& gguf;
  std::string where;
  const Strings& tokens;
  std::vector<PieceType> types;
};

/// An array without copying it; nullptr when absent.
template <typename T>
const T* find_array(const GgufFile& gguf, std::string_view key) {
  const auto entry = gguf.metadata().find(key);
  if (entry == gguf.metadata().end()) return nullptr;
  const T* array = std::get_if<T>(&entry->second);
  if (array == nullptr) throw_user_error(gguf.file().path().string(), ": ", key, " has the wrong type");
  return array;
}

std::size_t total_bytes(const Strings& tokens) {
  std::size_t bytes = 0;
  for (const std::string_view token : tokens) bytes += token.size();
  return bytes;
}

TokenId token_id(const GgufFile& gguf, std::string_view key) {
  const std::optional<std::int64_t> id = gguf.find<std::int64_t>(key);
  if (!id || *id == -1) return -1;
  if (*id < 0 || *id >= static_cast<std::int64_t>(Pieces::kMaxPieces)) {
    throw_user_error(gguf.file().path().string(), ": ", key, ": got ", *id, ", which is no token of the vocabulary");
  }
  return static_cast<TokenId>(*id);
}

/// Throws unless an array has one entry for each token.
void check_length(const Source& source, std::string_view key, std::size_t got) {
  if (got == source.tokens.size()) return;
  throw_user_error(source.where, ": ", key, " has ", got, " entries, expected ", source.tokens.size(),
                   ", one for each token; get the file again");
}

void read_types(Source& source, bool byte_pieces) {
  constexpr std::string_view kKey = "tokenizer.ggml.token_type";
  const auto* numbers = find_array<std::vector<std::int64_t>>(source.gguf, kKey);
  if (numbers == nullptr) {  // files from before there were types
    for (const std::string_view token : source.tokens) {
      const bool byte = byte_pieces && Pieces::byte_value(token) >= 0;
      source.types.push_back(byte ? PieceType::kByte : PieceType::kNormal);
    }
    return;
  }
  check_length(source, kKey, numbers->size());
  source.types.reserve(numbers->size());
  for (const std::int64_t number : *numbers) {
    if (number < 1 || number > 6) throw_user_error(source.where, ": ", kKey, ": got ", number, ", expected 1 to 6");
    source.types.push_back(static_cast<PieceType>(number));
  }
}

AddedTokens read_added(const Source& source) {
  AddedTokens added;
  for (std::size_t i = 0; i < source.tokens.size(); ++i) {
    const bool control = source.types[i] == PieceType::kControl;
    if (!control && source.types[i] != PieceType::kUser) continue;
    if (source.tokens[i].empty() && control) continue;
    added.add(source.tokens[i], static_cast<TokenId>(i), control);
  }
  added.finish(source.where);
  return added;
}

/// The merges of a list of "LEFT RIGHT", both spelled as in the vocabulary. `decode` gives the bytes of a piece.
template <typename Decode>
MergeRules read_merges(const Source& source, const Strings& merges, const Pieces& pieces, const Decode& decode) {
  MergeRules rules(merges.size());
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const std::size_t space = merges[i].find(' ', 1);
    if (space == std::string_view::npos || merges[i].find(' ', space + 1) != std::string_view::npos) {
      throw_user_error(source.where, ": tokenizer.ggml.merges: entry ", i, " is not two tokens and a space between");
    }
    const std::string left_bytes = decode(merges[i].substr(0, space));
    const std::string right_bytes = decode(merges[i].substr(space + 1));
    const TokenId left = pieces.find(left_bytes);
    const TokenId right = pieces.find(right_bytes);
    const TokenId merged = pieces.find(left_bytes + right_bytes);
    if (left < 0 || right < 0 || merged < 0) {
      throw_user_error(source.where, ": tokenizer.ggml.merges: entry ", i,
                       " names a token that is not in the vocabulary");
    }
    if (pieces.is_text(merged)) rules.add_pair(left, right, merged);
  }
  return rules;
}

TokenizerSettings read_settings(const GgufFile& gguf, bool adds_bos) {
  TokenizerSettings settings;
  settings.bos = token_id(gguf, "tokenizer.ggml.bos_token_id");
  for (const std::string_view key :
       {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    settings.ends.push_back(token_id(gguf, key));
  }
  settings.add_bos = gguf.find<bool>("tokenizer.ggml.add_bos_token").value_or(adds_bos);
  settings.chat_template = gguf.find<std::string_view>("tokenizer.chat_template").value_or("");
  return settings;
}

std::unique_ptr<Tokenizer> make_byte_level(const Source& source) {
  const std::string_view name = source.gguf.get<std::string_view>("tokenizer.ggml.pre");
  const std::optional<PreTokenizer> pre = pre_tokenizer_by_name(name);
  if (!pre) {
    throw_user_error(source.where, ": pre-tokenizer ", in_quotes(name),
                     " is not known (tokenizer.ggml.pre), expected gpt-2, ",
                     "llama-bpe or smollm; use a model with one of these");
  }
  Pieces pieces(source.where, source.tokens.size(), total_bytes(source.tokens));
  for (std::size_t i = 0; i < source.tokens.size(); ++i) {
    const PieceType type = source.types[i];
    if (type == PieceType::kByte)
      throw_user_error(source.where, ": token ", i, " is a byte piece in a gpt2 vocabulary");
    const bool spelled = type == PieceType::kNormal || type == PieceType::kUnused;
    pieces.add(spelled ? from_byte_alphabet(source.tokens[i]) : std::string(source.tokens[i]), type);
  }
  pieces.index([&](TokenId id) { return source.tokens[static_cast<std::size_t>(id)]; });
  const auto* merges = find_array<Strings>(source.gguf, "tokenizer.ggml.merges");
  if (merges == nullptr) throw_user_error(source.where, ": tokenizer.ggml.merges is missing; convert the model again");
  MergeRules rules = read_merges(source, *merges, pieces, from_byte_alphabet);
  const bool llama3 = *pre == PreTokenizer::kLlama3;
  auto tokenizer = std::make_unique<ByteLevelTokenizer>(std::move(pieces), std::move(rules), read_added(source), *pre,
                                                        /*whole_words=*/llama3);
  tokenizer->settle(read_settings(source.gguf, /*adds_bos=*/llama3));
  return tokenizer;
}

/// How the pieces of a SentencePiece vocabulary rank. Gemma's scores do not follow its merges, its ids do.
MergeRules read_ranks(const Source& source, const Pieces& pieces, bool gemma) {
  if (const auto* merges = find_array<Strings>(source.gguf, "tokenizer.ggml.merges")) {
    return read_merges(source, *merges, pieces, spaces_of_piece);
  }
  if (gemma) return MergeRules(MergeRules::Order::kIds);
  constexpr std::string_view kKey = "tokenizer.ggml.scores";
  const auto* scores = find_array<std::vector<float>>(source.gguf, kKey);
  if (scores == nullptr) throw_user_error(source.where, ": ", kKey, " is missing; convert the model again");
  check_length(source, kKey, scores->size());
  if (std::any_of(scores->begin(), scores->end(), [](float score) { return std::isnan(score); })) {
    throw_user_error(source.where, ": ", kKey, " has an entry that is not a number; get the file again");
  }
  return MergeRules(*scores);
}

std::unique_ptr<Tokenizer> make_sentencepiece(Source& source) {
  const bool gemma = source.gguf.get<std::string_view>("general.architecture").starts_with("gemma");
  Pieces pieces(source.where, source.tokens.size(), total_bytes(source.tokens));
  for (std::size_t i = 0; i < source.tokens.size(); ++i) {
    const std::string_view token = source.tokens[i];
    PieceType& type = source.types[i];
    if (type == PieceType::kByte && Pieces::byte_value(token) < 0) {
      throw_user_error(source.where, ": token ", i, " is a byte piece, but not called <0x00> to <0xFF>");
    }
    // Gemma's files have runs of spaces as user-defined pieces; in its tokenizer they come about by merging.
    if (gemma && type == PieceType::kUser && token.find_first_not_of(' ') == std::string_view::npos) {
      type = PieceType::kNormal;
    }
    pieces.add(spaces_of_piece(token), type);
  }
  pieces.index([&](TokenId id) { return source.tokens[static_cast<std::size_t>(id)]; });
  MergeRules rules = read_ranks(source, pieces, gemma);
  SentencePieceSettings settings;
  settings.unknown = token_id(source.gguf, "tokenizer.ggml.unknown_token_id");
  if (settings.unknown >= static_cast<TokenId>(pieces.size())) {
    throw_user_error(source.where, ": tokenizer.ggml.unknown_token_id: got ", settings.unknown, ", expected less than ",
                     pieces.size());
  }
  const auto bytes = std::count(source.types.begin(), source.types.end(), PieceType::kByte);
  if (settings.unknown < 0 && bytes != 256) {
    throw_user_error(source.where, ": ", bytes, " byte pieces and no unknown token, expected 256 or an unknown token");
  }
  const bool prefix = source.gguf.find<bool>("tokenizer.ggml.add_space_prefix").value_or(!gemma);
  settings.prefix = prefix ? SentencePieceSettings::Prefix::kTextStart : SentencePieceSettings::Prefix::kNone;
  auto tokenizer = std::make_unique<SentencePieceTokenizer>(std::move(pieces), std::move(rules), read_added(source),
                                                            AddedTokens{}, settings);
  tokenizer->settle(read_settings(source.gguf, /*adds_bos=*/true));
  return tokenizer;
}

}  // namespace

std::unique_ptr<Tokenizer> make_tokenizer(const GgufFile& gguf) {
  const std::string where = gguf.file().path().string();
  const std::string_view model = gguf.get<std::string_view>("tokenizer.ggml.model");
  const Strings* tokens = find_array<Strings>(gguf, "tokenizer.ggml.tokens");
  if (tokens == nullptr || tokens->empty()) {
    throw_user_error(where, ": no vocabulary (tokenizer.ggml.tokens); get a GGUF that carries its tokenizer");
  }
  Source source{gguf, where, *tokens, {}};
  read_types(source, model == "llama");
  if (model == "gpt2") return make_byte_level(source);
  if (model == "llama") return make_sentencepiece(source);
  throw_user_error(where, ": tokenizer model ", in_quotes(model), " is not known, expected gpt2 or llama");
}

}  // namespace tome
