// The pairs that wait to be merged, best first. A heap of millions of pairs misses the cache at every level, so a long
// word's pairs wait in one bucket for each level, and only the best bucket is put in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "text/tokenizer.h"

namespace tome {

struct Merge {
  std::uint64_t key = 0;  // smaller merges first; its upper half is the level
  TokenId id = -1;        // of the merged piece; -1: these two never merge
};

class MergeQueue {
 public:
  struct Candidate {
    std::uint64_t key;
    TokenId id;
    std::int32_t left;
  };

  /// Empties the queue, for a word of `symbols` symbols and keys of levels below `levels`.
  void start(std::size_t symbols, std::size_t levels);
  void push(const Merge& merge, std::int32_t left);
  /// The smallest key; of equal ones the smallest id, then the leftmost. Nothing when the queue is empty.
  std::optional<Candidate> pop();
  /// The left symbol of a pair that will be popped soon, or -1.
  std::int32_t soon() const;

 private:
  struct Waiting {
    std::uint32_t tie;  // lower half of the key
    TokenId id;
    std::int32_t left;
  };
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  /// One cache line of a bucket.
  struct Node {
    Waiting waiting[5];
    std::uint32_t next = kNone;
  };
  struct Bucket {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
    std::uint32_t count = 0;
  };
  void wait(std::size_t level, const Waiting& waiting);
  /// Opens the next bucket that is not empty.
  bool open_next();

  std::vector<Bucket> buckets_;     // by level; none for a short word
  std::vector<Node> nodes_;         // of all buckets
  std::size_t opened_ = 0;          // buckets_[opened_ - 1] is in current_
  std::vector<Candidate> current_;  // the best bucket, in order
  std::size_t at_ = 0;              // current_[at_] is its next one
  std::vector<Candidate> heap_;     // pairs of levels whose bucket was opened before they came
};

}  // namespace tome
