// What a tokenizer.json says, part by part, checked. Used by tokenizer_json.cc only.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "text/bpe_merge.h"
#include "text/bpe_pieces.h"
#include "text/pre_tokenizer.h"
#include "text/sentencepiece.h"
#include "text/tokenizer_added.h"

namespace tome {

using Json = nlohmann::json;

/// Parses `text`. Throws UserError for what is not JSON, or nested deeper than any tokenizer is.
Json parse_json(std::string_view text, const std::string& where);

/// A member of an object; null when it is missing, or `object` is none.
const Json& member(const Json& object, const char* key);

/// The piece at each id, with its spelling; ids that no piece has are kUnused, with a spelling of their own.
struct JsonVocabulary {
  std::vector<std::string> spelled;
  std::vector<PieceType> types;
  AddedTokens added;             // looked for in the text as it is
  AddedTokens normalised_added;  // and after it was normalised
};
JsonVocabulary read_json_vocabulary(const Json& root, const std::string& where);

/// How text is prepared before merging.
struct JsonPreparation {
  bool byte_level = false;
  PreTokenizer pre_tokenizer = PreTokenizer::kNone;                             // byte-level
  SentencePieceSettings::Prefix prefix = SentencePieceSettings::Prefix::kNone;  // SentencePiece-style
};
JsonPreparation read_json_preparation(const Json& root, const std::string& where);

/// model.merges: "LEFT RIGHT" or [LEFT, RIGHT], spelled as in the vocabulary.
MergeRules read_json_merges(const Json& model, const Pieces& pieces, std::string (*bytes)(std::string_view));

}  // namespace tome
