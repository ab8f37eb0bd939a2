// Byte-pair merging, in O(n log n) for one word of n characters: the best pair of neighbours first, the leftmost among
// equals, until no two neighbours may merge. Serves byte-level and SentencePiece-style vocabularies alike.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text/bpe_pieces.h"

namespace tome {

/// A part of the word: bytes [begin, begin + bytes), between its neighbours in a linked list.
struct Symbol {
  TokenId id = -1;
  std::uint32_t begin = 0;
  std::uint32_t bytes = 0;  // 0: swallowed by the symbol before it
  std::int32_t previous = -1;
  std::int32_t next = -1;
  bool merges = true;  // false: a byte or unknown piece, nothing joins it
};

struct Merge {
  std::uint64_t key = 0;  // smaller merges first
  TokenId id = -1;        // of the merged piece; -1: these two never merge
};

/// Which two pieces may merge, and how early.
class MergeRules {
 public:
  /// Without a list of merges two pieces merge when together they are a piece; how early is what Hugging Face's
  /// converters make of it when they recover the list.
  enum class Order {
    kPairs,   // by the list of merges
    kScores,  // by falling score of the merged piece, then the longer left part, then the longer right part
    kIds,     // by rising id of the merged piece (Gemma, tiktoken)
  };

  explicit MergeRules(Order order) : order_(order) {}
  /// kScores, one score for each piece.
  explicit MergeRules(std::span<const float> scores);
  /// kPairs, with room for `pairs` calls of add_pair().
  explicit MergeRules(std::size_t pairs);

  /// The next merge of the list. The last one counts if a pair comes twice.
  void add_pair(TokenId left, TokenId right, TokenId merged);

  Merge find(const Pieces& pieces, const Symbol& left, const Symbol& right, std::string_view word) const;
  std::uint64_t hash() const;

 private:
  struct Pair {
    std::uint64_t both = kFree;
    std::uint32_t rank = 0;
    TokenId merged = -1;
  };
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};
  std::size_t locate(std::uint64_t both) const;
  Merge find_pair(TokenId left, TokenId right) const;

  Order order_;
  std::vector<std::uint32_t> score_keys_;  // smaller for higher scores
  std::vector<Pair> pairs_;                // open addressing
  std::uint32_t pair_count_ = 0;
};

/// Merges the symbols of one word in place; keeps its working space between words.
class Merger {
 public:
  void merge(std::span<Symbol> symbols, std::string_view word, const Pieces& pieces, const MergeRules& rules);

 private:
  struct Candidate {
    std::uint64_t key;
    TokenId id;
    std::int32_t left;
  };
  struct Later {
    bool operator()(const Candidate& a, const Candidate& b) const {
      if (a.key != b.key) return a.key > b.key;
      return a.id != b.id ? a.id > b.id : a.left > b.left;
    }
  };
  std::vector<Candidate> heap_;
};

}  // namespace tome
