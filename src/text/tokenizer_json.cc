#include "text/tokenizer_json.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/printable.h"
#include "text/bpe_byte_level.h"
#include "text/sentencepiece.h"
#include "text/tokenizer_json_parts.h"

namespace tome {
namespace {

std::string string_or_empty(const Json& value) { return value.is_string() ? value.get<std::string>() : std::string(); }

/// A token named by its text, or by an object with its "content".
std::string token_text(const Json& value) {
  return value.is_object() ? string_or_empty(member(value, "content")) : string_or_empty(value);
}

/// The one template, or the one called "default" of several.
std::string chat_template(const Json& value) {
  if (!value.is_array()) return string_or_empty(value);
  for (const Json& entry : value) {
    if (member(entry, "name") == "default") return string_or_empty(member(entry, "template"));
  }
  return {};
}

/// Whether the post-processor puts `bos` in front.
bool puts_in_front(const Json& processor, const std::string& bos) {
  const Json& inner = member(processor, "processors");
  if (inner.is_array()) {
    return std::any_of(inner.begin(), inner.end(), [&](const Json& step) { return puts_in_front(step, bos); });
  }
  const Json& single = member(processor, "single");
  return single.is_array() && !single.empty() && member(member(single[0], "SpecialToken"), "id") == bos;
}

TokenizerSettings read_settings(const Json& root, const Json& config, const Pieces& pieces) {
  TokenizerSettings settings;
  const auto named = [&](const char* key) {
    const std::string text = token_text(member(config, key));
    return text.empty() ? -1 : pieces.find(text);
  };
  settings.bos = named("bos_token");
  settings.ends = {named("eos_token")};
  if (settings.bos >= 0) {
    const Json& says = member(config, "add_bos_token");
    const std::string bos(pieces.text(settings.bos));
    settings.add_bos = says.is_boolean() ? says.get<bool>() : puts_in_front(member(root, "post_processor"), bos);
  }
  settings.chat_template = chat_template(member(config, "chat_template"));
  return settings;
}

SentencePieceSettings read_sentencepiece_settings(const Json& model, const Pieces& pieces,
                                                  SentencePieceSettings::Prefix prefix) {
  SentencePieceSettings settings;
  settings.prefix = prefix;
  settings.byte_fallback = member(model, "byte_fallback") == true;
  settings.fuse_unknown = member(model, "fuse_unk") == true;
  const std::string unknown = token_text(member(model, "unk_token"));
  if (unknown.empty()) return settings;
  settings.unknown = pieces.find(unknown);
  if (settings.unknown < 0) {
    throw_user_error(pieces.where(), ": unknown token ", in_quotes(unknown), " is not in the vocabulary");
  }
  return settings;
}

/// Throws for what would change ids and is not done here.
void check_model(const Json& model, const std::string& where) {
  if (!model.is_object()) throw_user_error(where, ": no model in it; get the file again");
  const Json& type = member(model, "type");
  if (!type.is_null() && type != "BPE") {
    throw_user_error(where, ": tokenizer model ", in_quotes(type.dump()), " is not known, expected BPE");
  }
  for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"}) {
    const Json& value = member(model, key);
    const bool unset = value.is_null() || value == 0 || (value.is_string() && string_or_empty(value).empty());
    if (!unset) throw_user_error(where, ": model.", key, " is not supported");
  }
}

std::unique_ptr<Tokenizer> make_checked(const Json& root, const Json& config, const std::string& where) {
  const Json& model = member(root, "model");
  check_model(model, where);
  const JsonPreparation preparation = read_json_preparation(root, where);
  JsonVocabulary vocabulary = read_json_vocabulary(root, where);
  const auto bytes = preparation.byte_level ? from_byte_alphabet : spaces_of_piece;
  Pieces pieces(where, vocabulary.spelled.size(), 8 * vocabulary.spelled.size());
  for (std::size_t i = 0; i < vocabulary.spelled.size(); ++i) {
    const bool text = vocabulary.types[i] == PieceType::kNormal;
    pieces.add(text ? bytes(vocabulary.spelled[i]) : vocabulary.spelled[i], vocabulary.types[i]);
  }
  pieces.index([&](TokenId id) { return std::string_view(vocabulary.spelled[static_cast<std::size_t>(id)]); });
  MergeRules rules = read_json_merges(model, pieces, bytes);
  TokenizerSettings settings = read_settings(root, config, pieces);
  std::unique_ptr<BpeTokenizer> tokenizer;
  if (preparation.byte_level) {
    const bool whole_words = member(model, "ignore_merges") == true;
    tokenizer = std::make_unique<ByteLevelTokenizer>(std::move(pieces), std::move(rules), std::move(vocabulary.added),
                                                     preparation.pre_tokenizer, whole_words);
  } else {
    const SentencePieceSettings how = read_sentencepiece_settings(model, pieces, preparation.prefix);
    tokenizer = std::make_unique<SentencePieceTokenizer>(
        std::move(pieces), std::move(rules), std::move(vocabulary.added), std::move(vocabulary.normalised_added), how);
  }
  tokenizer->settle(std::move(settings));
  return tokenizer;
}

}  // namespace

std::unique_ptr<Tokenizer> make_json_tokenizer(std::string_view tokenizer, std::string_view config,
                                               const std::string& where) {
  return make_checked(parse_json(tokenizer, where), config.empty() ? Json() : parse_json(config, where), where);
}

std::unique_ptr<Tokenizer> make_tokenizer(const std::filesystem::path& folder) {
  const auto text_of = [](const MappedFile& file) {
    return std::string_view(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  };
  const std::filesystem::path path = folder / "tokenizer.json";
  const MappedFile tokenizer(path);
  const std::filesystem::path config_path = folder / "tokenizer_config.json";
  Json config;
  if (std::filesystem::exists(config_path)) config = parse_json(text_of(MappedFile(config_path)), config_path.string());
  const std::filesystem::path template_path = folder / "chat_template.jinja";
  if (std::filesystem::exists(template_path)) {
    if (!config.is_object()) config = Json::object();
    config["chat_template"] = text_of(MappedFile(template_path));
  }
  return make_checked(parse_json(text_of(tokenizer), path.string()), config, path.string());
}

}  // namespace tome
