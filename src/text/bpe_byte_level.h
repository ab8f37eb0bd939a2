// Byte-level BPE (GPT-2, Llama 3, SmolLM): every byte is a piece, words never merge with one another.
// https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf, section 2.2
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "text/bpe_tokenizer.h"
#include "text/pre_tokenizer.h"

namespace tome {

class ByteLevelTokenizer : public BpeTokenizer {
 public:
  /// Pieces as raw bytes. A byte without a piece is dropped, as Hugging Face does. `whole_words`: a word that is a
  /// piece is that piece, whatever the merges say (Hugging Face's ignore_merges).
  ByteLevelTokenizer(Pieces pieces, MergeRules rules, AddedTokens added, PreTokenizer pre_tokenizer, bool whole_words);

 private:
  std::size_t end_of_word(std::string_view text, std::size_t at) const override;
  void cut_word(std::string_view word, EncodeRun& run) const override;
  std::uint64_t kind_hash() const override;

  PreTokenizer pre_tokenizer_;
  bool whole_words_;
  std::array<TokenId, 256> byte_ids_{};  // -1: none
};

/// The bytes that a piece spelled in GPT-2's byte alphabet ("\u0120the" is " the") stands for; a piece with any other
/// character stands for itself.
std::string from_byte_alphabet(std::string_view spelled);

}  // namespace tome
