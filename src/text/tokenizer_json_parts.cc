#include "text/tokenizer_json_parts.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "formats/printable.h"

namespace tome {
namespace {

constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kSpaceMark = "\u2581";

bool too_deep(std::string_view text) {
  constexpr int kMaxDepth = 64;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

std::string type_of(const Json& object) {
  const Json& type = member(object, "type");
  return type.is_string() ? type.get<std::string>() : std::string();
}

/// The steps of a Sequence, or the one that it is; null has none.
std::vector<Json> steps(const Json& stage, const char* list) {
  if (stage.is_null()) return {};
  if (type_of(stage) != "Sequence") return {stage};
  const Json& inner = member(stage, list);
  return inner.is_array() ? std::vector<Json>(inner.begin(), inner.end()) : std::vector<Json>{};
}

bool is_true(const Json& object, const char* key) { return member(object, key) == true; }

[[noreturn]] void refuse(const std::string& where, std::string_view stage, const Json& step) {
  throw_user_error(where, ": ", stage, " ", in_quotes(step.dump()),
                   " is not known; use a model of the Llama or Gemma family");
}

TokenId read_id(const Json& number, const std::string& where, std::string_view piece) {
  if (!number.is_number_integer() || number < 0 || number >= Pieces::kMaxPieces) {
    throw_user_error(where, ": the id of token ", in_quotes(piece), " is not a number from 0 to ",
                     Pieces::kMaxPieces - 1);
  }
  return number.get<TokenId>();
}

class VocabularyReader {
 public:
  /// A file of `entries` tokens may leave out as many ids, and some, not more.
  VocabularyReader(JsonVocabulary& out, std::size_t entries, const std::string& where)
      : out_(out), limit_(2 * entries + 4096), where_(where) {}

  /// Piece `text` has `id`. Returns false when it had that id already.
  bool put(const std::string& text, TokenId id, PieceType type) {
    const auto i = static_cast<std::size_t>(id);
    if (i >= limit_) {
      throw_user_error(where_, ": the id of token ", in_quotes(text), " is ", id, ", far more than there are tokens");
    }
    if (i >= taken_.size()) {
      taken_.resize(i + 1);
      out_.spelled.resize(i + 1);
      out_.types.resize(i + 1, PieceType::kUnused);
    }
    const bool repeated = taken_[i];
    if (repeated && out_.spelled[i] != text) {
      throw_user_error(where_, ": tokens ", in_quotes(out_.spelled[i]), " and ", in_quotes(text), " have the same id ",
                       id);
    }
    taken_[i] = true;
    out_.spelled[i] = text;
    out_.types[i] = type;
    return !repeated;
  }

  /// Names the ids that no piece has.
  void fill_holes() {
    if (taken_.empty()) throw_user_error(where_, ": no tokens in it; get the file again");
    for (std::size_t i = 0; i < taken_.size(); ++i) {
      if (taken_[i]) continue;
      out_.spelled[i] = cat("<no token ", i, ">");
      out_.types[i] = PieceType::kControl;
    }
  }

 private:
  JsonVocabulary& out_;
  std::size_t limit_;
  const std::string& where_;
  std::vector<bool> taken_;
};

void read_added_token(const Json& token, const Json& vocabulary, bool normalises, VocabularyReader& reader,
                      JsonVocabulary& out, const std::string& where) {
  const Json& content = member(token, "content");
  if (!content.is_string()) throw_user_error(where, ": an added token has no content");
  const auto text = content.get<std::string>();
  const TokenId id = read_id(member(token, "id"), where, text);
  const Json& known = member(vocabulary, text.c_str());
  if (!known.is_null() && known != id) {
    throw_user_error(where, ": added token ", in_quotes(text), " has id ", id, ", but ", in_quotes(known.dump()),
                     " in the vocabulary");
  }
  const bool special = is_true(token, "special");
  reader.put(text, id, special ? PieceType::kControl : PieceType::kUser);
  for (const char* key : {"single_word", "lstrip", "rstrip"}) {
    if (!special && is_true(token, key)) refuse(where, "added token", token);
  }
  const bool late = normalises && is_true(token, "normalized");
  if (late) {
    out.normalised_added.add(spaces_of_piece(text), id, special);
  } else {
    out.added.add(text, id, special);
  }
}

/// Metaspace's prepend_scheme, or the boolean of its older form.
SentencePieceSettings::Prefix metaspace_prefix(const Json& step, const std::string& where) {
  const Json& scheme = member(step, "prepend_scheme");
  if (scheme == "never") return SentencePieceSettings::Prefix::kNone;
  if (scheme == "first") return SentencePieceSettings::Prefix::kUnlessSpace;
  refuse(where, "pre-tokenizer", step);
}

void read_normalizer(const Json& root, JsonPreparation& out, bool& marks_spaces, const std::string& where) {
  for (const Json& step : steps(member(root, "normalizer"), "normalizers")) {
    if (type_of(step) == "Prepend" && member(step, "prepend") == kSpaceMark) {
      out.prefix = SentencePieceSettings::Prefix::kEveryPart;
    } else if (type_of(step) == "Replace" && member(member(step, "pattern"), "String") == " " &&
               member(step, "content") == kSpaceMark) {
      marks_spaces = true;
    } else {
      refuse(where, "normalizer", step);
    }
  }
}

/// One step of a byte-level pre-tokenizer; false when it is none.
bool read_byte_level_step(const Json& step, JsonPreparation& out, const std::string& where) {
  const std::string type = type_of(step);
  if (type == "ByteLevel") {
    if (is_true(step, "add_prefix_space")) refuse(where, "pre-tokenizer", step);
    out.byte_level = true;
    if (member(step, "use_regex") != false) {
      if (out.pre_tokenizer == PreTokenizer::kLlama3) refuse(where, "pre-tokenizer", step);
      if (out.pre_tokenizer == PreTokenizer::kNone) out.pre_tokenizer = PreTokenizer::kGpt2;
    } else if (out.pre_tokenizer == PreTokenizer::kSmolLM) {
      refuse(where, "pre-tokenizer", step);
    }
    return true;
  }
  const bool first = out.pre_tokenizer == PreTokenizer::kNone && !out.byte_level;
  if (first && type == "Digits" && is_true(step, "individual_digits")) {
    out.pre_tokenizer = PreTokenizer::kSmolLM;
    return true;
  }
  if (first && type == "Split" && member(member(step, "pattern"), "Regex") == kLlama3Pattern &&
      member(step, "behavior") == "Isolated" && !is_true(step, "invert")) {
    out.pre_tokenizer = PreTokenizer::kLlama3;
    return true;
  }
  return false;
}

}  // namespace

const Json& member(const Json& object, const char* key) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto found = object.find(key);
  return found == object.end() ? none : *found;
}

Json parse_json(std::string_view text, const std::string& where) {
  if (too_deep(text)) throw_user_error(where, ": nested too deeply for a tokenizer; get the file again");
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    throw_user_error(where, ": not valid JSON (", in_quotes(error.what()), "); get the file again");
  }
}

JsonVocabulary read_json_vocabulary(const Json& root, const std::string& where) {
  const Json& model = member(root, "model");
  const Json& vocabulary = member(model, "vocab");
  if (!vocabulary.is_object()) throw_user_error(where, ": no vocabulary (model.vocab); get the file again");
  const bool byte_pieces = is_true(model, "byte_fallback");
  const Json& added = member(root, "added_tokens");
  JsonVocabulary out;
  VocabularyReader reader(out, vocabulary.size() + added.size(), where);
  for (const auto& [text, id] : vocabulary.items()) {
    const bool byte = byte_pieces && Pieces::byte_value(text) >= 0;
    if (!reader.put(text, read_id(id, where, text), byte ? PieceType::kByte : PieceType::kNormal)) {
      throw_user_error(where, ": token ", in_quotes(text), " comes twice");
    }
  }
  const bool normalises = !member(root, "normalizer").is_null();
  if (added.is_array()) {
    for (const Json& token : added) read_added_token(token, vocabulary, normalises, reader, out, where);
  }
  reader.fill_holes();
  out.added.finish(where);
  out.normalised_added.finish(where);
  return out;
}

JsonPreparation read_json_preparation(const Json& root, const std::string& where) {
  JsonPreparation out;
  bool marks_spaces = false;
  read_normalizer(root, out, marks_spaces, where);
  for (const Json& step : steps(member(root, "pre_tokenizer"), "pretokenizers")) {
    if (read_byte_level_step(step, out, where)) continue;
    if (type_of(step) == "Metaspace" && member(step, "replacement") == kSpaceMark && member(step, "split") == false &&
        out.prefix == SentencePieceSettings::Prefix::kNone) {
      out.prefix = metaspace_prefix(step, where);
      marks_spaces = true;
      continue;
    }
    // Gemma's: no space is left for it to split at.
    if (marks_spaces && type_of(step) == "Split" && member(member(step, "pattern"), "String") == " ") continue;
    refuse(where, "pre-tokenizer", step);
  }
  if (out.byte_level == marks_spaces) {
    throw_user_error(where, ": neither a byte-level tokenizer nor one that writes spaces as U+2581; ",
                     "use a model of the Llama or Gemma family");
  }
  return out;
}

MergeRules read_json_merges(const Json& model, const Pieces& pieces, std::string (*bytes)(std::string_view)) {
  const Json& merges = member(model, "merges");
  const std::string& where = pieces.where();
  if (!merges.is_array()) throw_user_error(where, ": no list of merges (model.merges); get the file again");
  MergeRules rules(merges.size());
  for (std::size_t i = 0; i < merges.size(); ++i) {
    std::string left;
    std::string right;
    if (merges[i].is_string()) {
      const auto& both = merges[i].get_ref<const std::string&>();
      const std::size_t space = std::min(both.find(' ', 1), both.size());
      left = both.substr(0, space);
      right = both.substr(std::min(space + 1, both.size()));
    } else if (merges[i].is_array() && merges[i].size() == 2 && merges[i][0].is_string() && merges[i][1].is_string()) {
      left = merges[i][0];
      right = merges[i][1];
    } else {
      throw_user_error(where, ": merge ", i, " is not two tokens; get the file again");
    }
    const TokenId left_id = pieces.find(bytes(left));
    const TokenId right_id = pieces.find(bytes(right));
    const TokenId merged = pieces.find(bytes(left) + bytes(right));
    if (left_id < 0 || right_id < 0 || merged < 0) {
      throw_user_error(where, ": merge ", i, " names a token that is not in the vocabulary; get the file again");
    }
    if (pieces.is_text(merged)) rules.add_pair(left_id, right_id, merged);
  }
  return rules;
}

}  // namespace tome
