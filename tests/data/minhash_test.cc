// MinHash in bands against comparing every pair.
#include "data/minhash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/random.h"
#include "data/grams.h"

namespace tome::data {
namespace {

TEST(Grams, RunsOfWords) {
  EXPECT_EQ(gram_hashes("One, two; THREE four", 3), gram_hashes("one two three  four!", 3));
  EXPECT_EQ(gram_hashes("one two three four", 3).size(), 2u);
  EXPECT_EQ(gram_hashes("x one two three", 3)[1], gram_hashes("one two three", 3)[0]);
  EXPECT_NE(gram_hashes("one two", 2), gram_hashes("two one", 2));
  EXPECT_NE(gram_hashes("ab c", 2), gram_hashes("a bc", 2));
  EXPECT_EQ(gram_hashes("one two", 5).size(), 1u);
  EXPECT_TRUE(gram_hashes(" .,", 5).empty());
  EXPECT_EQ(gram_set("a b a b a b", 2).size(), 2u);
}

TEST(Grams, Jaccard) {
  EXPECT_EQ(jaccard({1, 2, 3}, {2, 3, 4}), 0.5);
  EXPECT_EQ(jaccard({}, {}), 0);
  EXPECT_EQ(jaccard({1}, {1}), 1);
}

std::vector<std::uint64_t> random_set(std::size_t size, const RandomStream& stream, std::uint64_t from) {
  std::set<std::uint64_t> set;
  for (std::uint64_t i = from; set.size() < size; ++i) {
    set.insert(std::uint64_t{stream.bits(2 * i)} << 32 | stream.bits(2 * i + 1));
  }
  return {set.begin(), set.end()};
}

// `size` elements each, of which so many are shared that their similarity is as wanted.
std::pair<std::vector<std::uint64_t>, std::vector<std::uint64_t>> alike(std::size_t size, double similarity,
                                                                        std::uint64_t seed) {
  const RandomStream stream(7, seed);
  const auto shared = static_cast<std::size_t>(2 * similarity / (1 + similarity) * static_cast<double>(size) + 0.5);
  std::vector<std::uint64_t> all = random_set(2 * size - shared, stream, 0);
  for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[stream.bits(1000000 + i) % i]);
  std::vector<std::uint64_t> a(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size));
  std::vector<std::uint64_t> b(all.end() - static_cast<std::ptrdiff_t>(size), all.end());
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return {a, b};
}

TEST(MinHash, CandidatesAreAsLikelyAsTheirSimilaritySays) {
  const Banding banding = banding_for(0.8);
  EXPECT_GE(chance(banding, 0.8), 0.99);
  EXPECT_LE(chance(banding, 0.3), 0.05);
  constexpr int kPairs = 400;
  for (const double similarity : {0.2, 0.5, 0.7, 0.8, 0.95}) {
    int found = 0;
    double mean = 0;
    for (int pair = 0; pair < kPairs; ++pair) {
      const auto [a, b] = alike(60, similarity, static_cast<std::uint64_t>(pair) + 1000);
      mean += chance(banding, jaccard(a, b)) / kPairs;
      const auto one = band_hashes(a, banding, 3), other = band_hashes(b, banding, 3);
      bool same = false;
      for (std::size_t i = 0; i < banding.bands; ++i) same = same || one[i] == other[i];
      found += same ? 1 : 0;
    }
    // Four standard deviations of the share of so many pairs, and 0.02 for the hashes' own dependence.
    const double bound = 0.02 + 4 * std::sqrt(mean * (1 - mean) / kPairs);
    EXPECT_NEAR(static_cast<double>(found) / kPairs, mean, bound) << similarity;
  }
}

TEST(MinHash, BandsOfOtherSaltsDiffer) {
  const Banding banding = banding_for(0.8);
  const auto set = random_set(10, RandomStream(1, 1), 0);
  EXPECT_NE(band_hashes(set, banding, 1), band_hashes(set, banding, 2));
  EXPECT_EQ(band_hashes(set, banding, 1), band_hashes(set, banding, 1));
}

TEST(MinHash, CandidatesOfATable) {
  BandTable table({2, 1});
  table.add(0, {5, 6});
  table.add(1, {5, 7});
  table.add(2, {8, 6});
  table.add(3, {5, 6});
  using Pairs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  EXPECT_EQ(table.candidates(), (Pairs{{1, 0}, {2, 0}, {3, 0}, {3, 1}, {3, 2}}));
  EXPECT_TRUE(table.candidates().empty());
}

}  // namespace
}  // namespace tome::data
