// What byte-level and SentencePiece-style tokenizers share: added tokens, words, merges, the way back to the input.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/bpe_merge.h"
#include "text/bpe_pieces.h"
#include "text/bpe_words.h"
#include "text/tokenizer.h"
#include "text/tokenizer_added.h"
#include "text/tokenizer_rewrite.h"

namespace tome {

/// What a file says beside the vocabulary and the merges.
struct TokenizerSettings {
  TokenId bos = -1;
  std::vector<TokenId> ends;  // the usual ones by name (<|eot_id|>, <end_of_turn>, ...) are found without it
  bool add_bos = false;
  std::string chat_template;
};

class BpeTokenizer : public Tokenizer {
 public:
  static constexpr std::size_t kMaxInput = 1u << 30;

  Encoded encode(std::string_view text) const final;
  std::string_view bytes(TokenId id) const final;
  TokenId find(std::string_view piece) const final;
  std::size_t vocabulary() const final { return pieces_.size(); }

  /// Settles what the accessors of Tokenizer say. Throws UserError for ids out of range.
  void settle(TokenizerSettings settings);

 protected:
  BpeTokenizer(Pieces pieces, MergeRules rules, AddedTokens added);

  /// A stretch of text: an added token (id >= 0) or plain (-1).
  struct Part {
    std::uint32_t begin;
    std::uint32_t end;
    TokenId id;
  };
  /// Rewrites the plain parts, if that is needed, and moves all parts to where they are in the new text.
  virtual std::optional<Rewriter> normalise(std::string_view text, std::vector<Part>& parts) const;
  /// The end of the word that begins at `at` < text.size(); merges never cross it.
  virtual std::size_t end_of_word(std::string_view text, std::size_t at) const = 0;
  /// The word's tokens, put into run.tokens.
  virtual void cut_word(std::string_view word, EncodeRun& run) const = 0;
  /// A hash of the settings that decide ids and are not in pieces, merges and added tokens.
  virtual std::uint64_t kind_hash() const = 0;

  /// Merges run.symbols and puts the result into run.tokens.
  void merge_symbols(std::string_view word, EncodeRun& run) const;
  const Pieces& pieces() const { return pieces_; }

  /// `parts` with the plain ones cut at the added tokens in them.
  static std::vector<Part> split(const AddedTokens& added, std::string_view text, const std::vector<Part>& parts);

 private:
  Encoded encode_valid(std::string_view text) const;
  void encode_plain(std::string_view text, Part part, EncodeRun& run) const;

  Pieces pieces_;
  MergeRules rules_;
  AddedTokens added_;
};

}  // namespace tome
