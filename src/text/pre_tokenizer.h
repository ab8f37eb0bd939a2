// Pre-tokenizers of byte-level BPE: cutting text into the words that merges never cross. The same cuts as Hugging
// Face's regular expressions make (Oniguruma), written as scanners: linear, no backtracking.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "text/pre_tokenizer_unicode.h"

namespace tome {

enum class PreTokenizer {
  kGpt2,    // 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  kLlama3,  // (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|
            // \s*[\r\n]+|\s+(?!\S)|\s+
  kSmolLM,  // every numeric character alone, then kGpt2 on what lies between
  kNone,    // the whole text is one word
};

/// By GGUF's tokenizer.ggml.pre ("gpt-2", "llama-bpe", "smollm"); nothing for an unknown name.
std::optional<PreTokenizer> pre_tokenizer_by_name(std::string_view name);

/// The end of the word that begins at `at` < text.size(). `text` is valid UTF-8.
std::size_t word_end(PreTokenizer kind, std::string_view text, std::size_t at);

CharClass char_class(char32_t code);

}  // namespace tome
