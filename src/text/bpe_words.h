// One run of encode(): the tokens so far, and a memory of words already cut.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text/bpe_merge.h"
#include "text/tokenizer.h"

namespace tome {

/// A token of a word; `begin` counts from the word's first byte.
struct WordToken {
  TokenId id;
  std::uint32_t begin;
};

/// Words seen in this run, so that each is merged once. Keeps views of the words: the text must outlive it.
class WordMemory {
 public:
  WordMemory();

  struct Known {
    std::span<const WordToken> tokens;
    bool found = false;
  };
  Known find(std::string_view word);
  /// Remembers the word that find() just missed.
  void remember(std::string_view word, std::span<const WordToken> tokens);

 private:
  struct Slot {
    const char* word = nullptr;
    std::uint32_t bytes = 0;
    std::uint32_t tag = 0;  // upper half of the hash
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };
  static std::uint64_t hash_of(std::string_view word);
  std::size_t locate(std::string_view word, std::uint64_t hash) const;
  void grow();

  std::vector<Slot> slots_;  // open addressing, at most half full
  std::size_t used_ = 0;
  std::uint64_t missed_ = 0;  // hash of the last miss
  std::vector<WordToken> tokens_;
};

/// Working space of one encode().
struct EncodeRun {
  Encoded out;
  WordMemory memory;
  Merger merger;
  std::vector<Symbol> symbols;
  std::vector<WordToken> tokens;
};

}  // namespace tome
