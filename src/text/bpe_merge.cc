#include "text/bpe_merge.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "base/error.h"

namespace tome {
namespace {

std::uint64_t join(std::uint32_t high, std::uint32_t low) { return (std::uint64_t{high} << 32) | low; }

/// Numbers in the opposite order of the scores.
std::uint32_t score_key(float score) {
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0f);  // + 0: one key for both zeros
  const std::uint32_t rising = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  return ~rising;
}

std::uint64_t mix(std::uint64_t both) {
  both *= 0x9E3779B97F4A7C15u;
  return both ^ (both >> 32);
}

}  // namespace

MergeRules::MergeRules(std::span<const float> scores) : order_(Order::kScores), score_keys_(scores.size()) {
  std::transform(scores.begin(), scores.end(), score_keys_.begin(), score_key);
}

MergeRules::MergeRules(std::size_t pairs) : order_(Order::kPairs), pairs_(std::bit_ceil(2 * pairs + 2)) {}

std::size_t MergeRules::locate(std::uint64_t both) const {
  const std::size_t mask = pairs_.size() - 1;
  std::size_t at = mix(both) & mask;
  while (pairs_[at].both != both && pairs_[at].both != kFree) at = (at + 1) & mask;
  return at;
}

void MergeRules::add_pair(TokenId left, TokenId right, TokenId merged) {
  TOME_CHECK(pair_count_ < pairs_.size() / 2);
  const std::uint64_t both = join(static_cast<std::uint32_t>(left), static_cast<std::uint32_t>(right));
  pairs_[locate(both)] = {both, pair_count_++, merged};
}

Merge MergeRules::find_pair(TokenId left, TokenId right) const {
  const Pair& pair = pairs_[locate(join(static_cast<std::uint32_t>(left), static_cast<std::uint32_t>(right)))];
  if (pair.both == kFree) return {};
  return {pair.rank, pair.merged};
}

Merge MergeRules::find(const Pieces& pieces, const Symbol& left, const Symbol& right, std::string_view word) const {
  if (!left.merges || !right.merges) return {};
  if (order_ == Order::kPairs) return find_pair(left.id, right.id);
  const TokenId id = pieces.find_text(word.substr(left.begin, left.bytes + right.bytes));
  if (id < 0) return {};
  const auto rank = static_cast<std::uint32_t>(id);
  if (order_ == Order::kIds) return {rank, id};
  return {join(score_keys_[rank], ~((left.bytes << 16) | right.bytes)), id};
}

std::uint64_t MergeRules::hash() const {
  std::vector<std::uint64_t> numbers{static_cast<std::uint64_t>(order_)};
  numbers.insert(numbers.end(), score_keys_.begin(), score_keys_.end());
  for (const Pair& pair : pairs_) {
    if (pair.both != kFree) numbers.insert(numbers.end(), {pair.both, pair.rank});
  }
  return XXH3_64bits(numbers.data(), numbers.size() * sizeof(numbers[0]));
}

void Merger::merge(std::span<Symbol> symbols, std::string_view word, const Pieces& pieces, const MergeRules& rules) {
  const auto at = [symbols](std::int32_t i) -> Symbol& { return symbols[static_cast<std::size_t>(i)]; };
  heap_.clear();
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    symbols[i].previous = static_cast<std::int32_t>(i) - 1;
    symbols[i].next = i + 1 < symbols.size() ? static_cast<std::int32_t>(i + 1) : -1;
    if (i == 0) continue;
    const Merge merge = rules.find(pieces, symbols[i - 1], symbols[i], word);
    if (merge.id >= 0) heap_.push_back({merge.key, merge.id, static_cast<std::int32_t>(i - 1)});
  }
  std::make_heap(heap_.begin(), heap_.end(), Later{});
  const auto offer = [&](std::int32_t left, std::int32_t right) {
    if (left < 0 || right < 0) return;
    const Merge merge = rules.find(pieces, at(left), at(right), word);
    if (merge.id < 0) return;
    heap_.push_back({merge.key, merge.id, left});
    std::push_heap(heap_.begin(), heap_.end(), Later{});
  };
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), Later{});
    const Candidate best = heap_.back();
    heap_.pop_back();
    Symbol& left = at(best.left);
    if (left.bytes == 0 || left.next < 0) continue;
    Symbol& right = at(left.next);
    // Symbols only grow, so the pair is still the one that was offered when its length is.
    if (left.bytes + right.bytes != pieces.text_size(best.id)) continue;
    left.id = best.id;
    left.bytes += right.bytes;
    left.next = right.next;
    right.bytes = 0;
    if (left.next >= 0) at(left.next).previous = best.left;
    offer(left.previous, best.left);
    offer(best.left, left.next);
  }
}

}  // namespace tome
