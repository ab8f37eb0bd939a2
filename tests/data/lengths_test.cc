// Counts by length against lengths that were all kept.
#include "data/lengths.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"

namespace tome::data {
namespace {

// Over seven orders of magnitude.
std::vector<std::uint64_t> some_lengths(std::size_t count, std::uint64_t seed) {
  const RandomStream stream(seed, 0);
  std::vector<std::uint64_t> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(static_cast<std::uint64_t>(std::pow(10.0, 7 * static_cast<double>(stream.uniform(i)))));
  }
  return all;
}

TEST(Lengths, AgainstAllOfThem) {
  for (const std::size_t count : {1u, 2u, 7u, 1000u, 5001u}) {
    std::vector<std::uint64_t> all = some_lengths(count, count);
    Lengths one, other;
    for (std::size_t i = 0; i < count; ++i) (i % 3 == 0 ? one : other).add(all[i]);
    one.add(other);
    std::sort(all.begin(), all.end());
    EXPECT_EQ(one.count(), static_cast<std::int64_t>(count));
    EXPECT_EQ(one.sum(), std::accumulate(all.begin(), all.end(), std::uint64_t{0}));
    EXPECT_EQ(one.least(), all.front());
    EXPECT_EQ(one.most(), all.back());
    for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
      const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(share * static_cast<double>(count))));
      const std::uint64_t exact = all[rank - 1];
      EXPECT_LE(one.quantile(share), exact);
      EXPECT_GE(one.quantile(share), exact - exact / 1024 - (exact < 2048 ? 0 : 1));
      EXPECT_TRUE(exact >= 2048 || one.quantile(share) == exact);
    }
    std::int64_t in_bars = 0;
    for (const LengthBar& bar : one.bars()) {
      const auto inside = [&](std::uint64_t length) { return bar.from <= length && length <= bar.to; };
      EXPECT_EQ(bar.count, std::count_if(all.begin(), all.end(), inside)) << bar.from;
      in_bars += bar.count;
    }
    EXPECT_EQ(in_bars, one.count());
    EXPECT_LE(one.bars().size(), 26u);
  }
}

TEST(Lengths, None) {
  const Lengths none;
  EXPECT_EQ(none.quantile(0.5), 0u);
  EXPECT_EQ(none.least(), 0u);
  EXPECT_TRUE(none.bars().empty());
  Lengths zero;
  zero.add(0);
  ASSERT_EQ(zero.bars().size(), 1u);
  EXPECT_EQ(zero.bars()[0].count, 1);
}

}  // namespace
}  // namespace tome::data
