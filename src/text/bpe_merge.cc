#include "text/bpe_merge.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <optional>
#include <utility>

#include "base/error.h"

namespace tome {
namespace {

constexpr std::uint64_t kMixer = 0x9E3779B97F4A7C15u;

std::uint64_t join(std::uint32_t high, std::uint32_t low) { return (std::uint64_t{high} << 32) | low; }

/// For each score, how many different ones are higher.
std::vector<std::uint32_t> levels_of(std::span<const float> scores) {
  std::vector<float> falling(scores.begin(), scores.end());
  std::sort(falling.begin(), falling.end(), std::greater<>{});
  falling.erase(std::unique(falling.begin(), falling.end()), falling.end());
  std::vector<std::uint32_t> levels(scores.size());
  std::transform(scores.begin(), scores.end(), levels.begin(), [&](float score) {
    const auto place = std::lower_bound(falling.begin(), falling.end(), score, std::greater<>{});
    return static_cast<std::uint32_t>(place - falling.begin());
  });
  return levels;
}

std::uint64_t mix(std::uint64_t both) {
  both *= kMixer;
  return both ^ (both >> 32);
}

}  // namespace

MergeRules::MergeRules(std::span<const float> scores) : order_(Order::kScores), score_levels_(levels_of(scores)) {}

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
  return {join(pair.rank, 0), pair.merged};
}

std::size_t MergeRules::levels(const Pieces& pieces) const {
  return order_ == Order::kPairs ? pair_count_ : pieces.size();
}

Merge MergeRules::find(const Pieces& pieces, const Symbol& left, const Symbol& right, std::string_view word) const {
  if (!left.merges || !right.merges) return {};
  if (order_ == Order::kPairs) return find_pair(left.id, right.id);
  const TokenId id = pieces.find_text(word.substr(left.begin, left.bytes + right.bytes));
  if (id < 0) return {};
  const auto rank = static_cast<std::uint32_t>(id);
  if (order_ == Order::kIds) return {join(rank, 0), id};
  return {join(score_levels_[rank], ~((left.bytes << 16) | right.bytes)), id};
}

std::uint64_t MergeRules::hash() const {
  std::vector<std::uint64_t> numbers{static_cast<std::uint64_t>(order_)};
  numbers.insert(numbers.end(), score_levels_.begin(), score_levels_.end());
  for (const Pair& pair : pairs_) {
    if (pair.both != kFree) numbers.insert(numbers.end(), {pair.both, pair.rank});
  }
  return XXH3_64bits(numbers.data(), numbers.size() * sizeof(numbers[0]));
}

Merger::Merger() : known_(std::size_t{1} << kKnownBits) {}

void Merger::offer(const Symbol& left, const Symbol& right, std::int32_t place, const Word& word) {
  if (!left.merges || !right.merges) return;
  const std::uint64_t both = join(static_cast<std::uint32_t>(left.id), static_cast<std::uint32_t>(right.id));
  Known& known = known_[(both * kMixer) >> (64 - kKnownBits)];
  if (known.left != left.id || known.right != right.id) {
    known = {left.id, right.id, word.rules.find(word.pieces, left, right, word.text)};
  }
  if (known.merge.id >= 0) queue_.push(known.merge, place);
}

void Merger::merge(std::span<Symbol> symbols, std::string_view text, const Pieces& pieces, const MergeRules& rules) {
  const auto at = [symbols](std::int32_t i) -> Symbol& { return symbols[static_cast<std::size_t>(i)]; };
  const Word word{text, pieces, rules};
  queue_.start(symbols.size(), rules.levels(pieces));
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    symbols[i].previous = static_cast<std::int32_t>(i) - 1;
    symbols[i].next = i + 1 < symbols.size() ? static_cast<std::int32_t>(i + 1) : -1;
    if (i > 0) offer(symbols[i - 1], symbols[i], static_cast<std::int32_t>(i - 1), word);
  }
  while (const std::optional<MergeQueue::Candidate> best = queue_.pop()) {
    if (const std::int32_t soon = queue_.soon(); soon >= 0) __builtin_prefetch(&at(soon), 1);
    Symbol& left = at(best->left);
    if (left.bytes == 0 || left.next < 0) continue;
    Symbol& right = at(left.next);
    // Symbols only grow, so the pair is still the one that was offered when its length is.
    if (left.bytes + right.bytes != pieces.text_size(best->id)) continue;
    left.id = best->id;
    left.bytes += right.bytes;
    left.next = right.next;
    right.bytes = 0;
    if (left.previous >= 0) offer(at(left.previous), left, left.previous, word);
    if (left.next < 0) continue;
    at(left.next).previous = best->left;
    offer(left, at(left.next), best->left, word);
  }
}

}  // namespace tome
