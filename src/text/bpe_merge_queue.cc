#include "text/bpe_merge_queue.h"

#include <algorithm>

namespace tome {
namespace {

constexpr std::size_t kShortWord = 2048;  // symbols whose pairs, in a heap, fit the first cache
constexpr std::size_t kAhead = 8;

bool earlier(const MergeQueue::Candidate& a, const MergeQueue::Candidate& b) {
  if (a.key != b.key) return a.key < b.key;
  return a.id != b.id ? a.id < b.id : a.left < b.left;
}

bool later(const MergeQueue::Candidate& a, const MergeQueue::Candidate& b) { return earlier(b, a); }

}  // namespace

void MergeQueue::start(std::size_t symbols, std::size_t levels) {
  heap_.clear();
  current_.clear();
  nodes_.clear();
  at_ = 0;
  opened_ = 0;
  buckets_.assign(symbols > kShortWord ? levels : 0, Bucket{});
}

void MergeQueue::push(const Merge& merge, std::int32_t left) {
  const std::size_t level = merge.key >> 32;
  if (level >= opened_ && level < buckets_.size()) {
    wait(level, {static_cast<std::uint32_t>(merge.key), merge.id, left});
  } else {
    heap_.push_back({merge.key, merge.id, left});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
}

void MergeQueue::wait(std::size_t level, const Waiting& waiting) {
  Bucket& bucket = buckets_[level];
  const std::size_t place = bucket.count++ % std::size(Node{}.waiting);
  if (place == 0) {
    const auto node = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
    (bucket.first == kNone ? bucket.first : nodes_[bucket.last].next) = node;
    bucket.last = node;
  }
  nodes_[bucket.last].waiting[place] = waiting;
}

bool MergeQueue::open_next() {
  current_.clear();
  at_ = 0;
  while (opened_ < buckets_.size()) {
    const std::uint64_t level = opened_;
    const Bucket bucket = buckets_[opened_++];
    if (bucket.count == 0) continue;
    current_.reserve(bucket.count);
    std::uint32_t node = bucket.first;
    for (std::uint32_t i = 0; i < bucket.count; ++i) {
      const std::size_t place = i % std::size(Node{}.waiting);
      if (i > 0 && place == 0) node = nodes_[node].next;
      const Waiting& waiting = nodes_[node].waiting[place];
      current_.push_back({(level << 32) | waiting.tie, waiting.id, waiting.left});
    }
    if (!std::is_sorted(current_.begin(), current_.end(), earlier)) {
      std::sort(current_.begin(), current_.end(), earlier);
    }
    return true;
  }
  return false;
}

std::optional<MergeQueue::Candidate> MergeQueue::pop() {
  if (heap_.empty() && at_ == current_.size() && !open_next()) return std::nullopt;
  if (at_ < current_.size() && (heap_.empty() || earlier(current_[at_], heap_.front()))) return current_[at_++];
  std::pop_heap(heap_.begin(), heap_.end(), later);
  const Candidate best = heap_.back();
  heap_.pop_back();
  return best;
}

std::int32_t MergeQueue::soon() const { return at_ + kAhead < current_.size() ? current_[at_ + kAhead].left : -1; }

}  // namespace tome
