// Byte-pair merging, in O(n log n) for one word of n characters: the best pair of neighbours first, the leftmost among
// equals, until no two neighbours may merge. Serves byte-level and SentencePiece-style vocabularies alike.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text/bpe_merge_queue.h"
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

  /// All keys are of levels below this.
  std::size_t levels(const Pieces& pieces) const;
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
  std::vector<std::uint32_t> score_levels_;  // of each piece: 0 for the highest score
  std::vector<Pair> pairs_;                  // open addressing
  std::uint32_t pair_count_ = 0;
};

/// Merges the symbols of one word in place; keeps its working space between words.
class Merger {
 public:
  Merger();
  void merge(std::span<Symbol> symbols, std::string_view text, const Pieces& pieces, const MergeRules& rules);

 private:
  /// A pair that was looked up before.
  struct Known {
    TokenId left = -1;
    TokenId right = -1;
    Merge merge;
  };
  struct Word {
    std::string_view text;
    const Pieces& pieces;
    const MergeRules& rules;
  };
  static constexpr int kKnownBits = 13;
  /// `place` of the left one.
  void offer(const Symbol& left, const Symbol& right, std::int32_t place, const Word& word);

  MergeQueue queue_;
  std::vector<Known> known_;  // a cache: each pair has one place
};

}  // namespace tome
