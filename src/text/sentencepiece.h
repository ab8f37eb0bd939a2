// SentencePiece-style BPE (Llama 2, Gemma): characters merge, a space is part of the piece that follows it (written
// U+2581 in files), a character without a piece falls back to byte pieces.
// https://github.com/google/sentencepiece
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "text/bpe_tokenizer.h"

namespace tome {

struct SentencePieceSettings {
  enum class Prefix { kNone, kTextStart, kUnlessSpace, kEveryPart };
  /// Where a space is put in front: nowhere; where the text begins; there, unless it begins with one; in front of
  /// every stretch between added tokens.
  Prefix prefix = Prefix::kNone;
  bool byte_fallback = true;
  TokenId unknown = -1;  // for a character without piece and bytes; -1: it is dropped
  bool fuse_unknown = true;
};

class SentencePieceTokenizer : public BpeTokenizer {
 public:
  /// Pieces with plain spaces (see spaces_of_piece). `normalised_added` are looked for after U+2581 became a space.
  SentencePieceTokenizer(Pieces pieces, MergeRules rules, AddedTokens added, AddedTokens normalised_added,
                         SentencePieceSettings settings);

 private:
  std::optional<Rewriter> normalise(std::string_view text, std::vector<Part>& parts) const override;
  std::size_t end_of_word(std::string_view text, std::size_t at) const override;
  void cut_word(std::string_view word, EncodeRun& run) const override;
  std::uint64_t kind_hash() const override;

  bool wants_prefix(std::string_view text, const Part& part) const;
  void add_character(std::string_view character, std::size_t at, std::vector<Symbol>& symbols) const;

  AddedTokens normalised_added_;
  SentencePieceSettings settings_;
  std::array<TokenId, 256> byte_ids_{};  // -1: none
  /// Whether some piece has a space after a character that ends in this byte. After any other character a word may
  /// end before a space without changing an id: no merge can cross there.
  std::array<bool, 256> joins_space_{};
};

/// A piece as text has it: a space for every U+2581.
std::string spaces_of_piece(std::string_view spelled);

}  // namespace tome
