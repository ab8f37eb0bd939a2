#include "data/lengths.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace tome::data {
namespace {

constexpr std::uint64_t kPerDoubling = 1024;
constexpr std::size_t kMostBars = 16;

std::size_t bin_of(std::uint64_t length) {
  if (length < 2 * kPerDoubling) return static_cast<std::size_t>(length);
  const auto shift = static_cast<std::uint64_t>(std::bit_width(length)) - 11;
  return static_cast<std::size_t>(shift * kPerDoubling + (length >> shift));
}

std::uint64_t least_of(std::size_t bin) {
  if (bin < 2 * kPerDoubling) return bin;
  const std::uint64_t shift = bin / kPerDoubling - 1;
  return (bin - shift * kPerDoubling) << shift;
}

// 0, 1, 2, 3, 4, 6, 8, 12, ... or 0, 1, 2, 4, 8, ...
std::uint64_t next_edge(std::uint64_t edge, bool halves) {
  if (edge < 2) return edge + 1;
  if (!std::has_single_bit(edge)) return std::bit_ceil(edge);
  return halves ? edge + edge / 2 : 2 * edge;
}

std::vector<std::uint64_t> edges_around(std::uint64_t least, std::uint64_t most, bool halves) {
  std::vector<std::uint64_t> edges = {0};
  while (edges.back() <= most) {
    const std::uint64_t next = next_edge(edges.back(), halves);
    if (next <= least) edges.clear();
    edges.push_back(next);
  }
  return edges;
}

}  // namespace

void Lengths::add(std::uint64_t length, std::int64_t times) {
  if (times <= 0) return;
  const std::size_t bin = bin_of(length);
  if (bin >= bins_.size()) bins_.resize(bin + 1);
  bins_[bin] += times;
  least_ = count_ == 0 ? length : std::min(least_, length);
  most_ = std::max(most_, length);
  count_ += times;
  sum_ += length * static_cast<std::uint64_t>(times);
}

void Lengths::add(const Lengths& other) {
  if (other.count_ == 0) return;
  if (other.bins_.size() > bins_.size()) bins_.resize(other.bins_.size());
  for (std::size_t bin = 0; bin < other.bins_.size(); ++bin) bins_[bin] += other.bins_[bin];
  least_ = count_ == 0 ? other.least_ : std::min(least_, other.least_);
  most_ = std::max(most_, other.most_);
  count_ += other.count_;
  sum_ += other.sum_;
}

std::uint64_t Lengths::quantile(double share) const {
  if (count_ == 0) return 0;
  const auto rank =
      std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(share * static_cast<double>(count_))));
  std::int64_t seen = 0;
  std::size_t bin = 0;
  while (bin + 1 < bins_.size() && (seen += bins_[bin]) < rank) ++bin;
  return std::clamp(least_of(bin), least_, most_);
}

std::vector<LengthBar> Lengths::bars() const {
  if (count_ == 0) return {};
  std::vector<std::uint64_t> edges = edges_around(least_, most_, true);
  if (edges.size() > kMostBars + 1) edges = edges_around(least_, most_, false);
  std::vector<LengthBar> bars;
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    LengthBar bar{edges[i], edges[i + 1] - 1, 0};
    const std::size_t end = std::min(bins_.size(), bin_of(edges[i + 1]));
    for (std::size_t bin = bin_of(edges[i]); bin < end; ++bin) bar.count += bins_[bin];
    bars.push_back(bar);
  }
  return bars;
}

}  // namespace tome::data
