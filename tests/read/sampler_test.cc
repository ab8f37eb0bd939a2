#include "read/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace tome {
namespace {

std::int32_t next(Sampler& sampler, std::vector<float> logits, const std::vector<std::int32_t>& recent = {}) {
  return sampler.next(logits, recent);
}

std::vector<int> histogram(const SamplerOptions& options, const std::vector<float>& logits, int draws) {
  Sampler sampler(options);
  std::vector<int> counts(logits.size(), 0);
  for (int i = 0; i < draws; ++i) ++counts[static_cast<std::size_t>(next(sampler, logits))];
  return counts;
}

TEST(Sampler, GreedyTakesTheLowestIdOfTheHighest) {
  Sampler sampler({});
  EXPECT_EQ(next(sampler, {1, 3, 2, 3}), 1);
  EXPECT_EQ(next(sampler, {-1, -3, -1}), 0);
  EXPECT_EQ(next(sampler, {5}), 0);
}

TEST(Sampler, RepetitionPenaltyCountsATokenOnce) {
  SamplerOptions options;
  options.repetition_penalty = 2;
  Sampler sampler(options);
  EXPECT_EQ(next(sampler, {4, 3, 1}, {0}), 1);
  EXPECT_EQ(next(sampler, {4, 1.5f, 1}, {0, 0, 0}), 0);  // 4 / 2, not 4 / 8
  EXPECT_EQ(next(sampler, {-1, -1.5f}, {0}), 1);         // a negative logit gets lower
  EXPECT_EQ(next(sampler, {0, -1}, {0}), 0);
}

TEST(Sampler, DrawsFollowTheProbabilities) {
  SamplerOptions options;
  options.temperature = 2;
  const std::vector<float> logits = {2 * std::log(6.0f), 2 * std::log(3.0f), 0.0f};
  const std::vector<int> counts = histogram(options, logits, 20000);
  // A count of n draws with probability p has deviation sqrt(n p (1 - p)) <= 71: five of them.
  EXPECT_NEAR(counts[0], 12000, 355);
  EXPECT_NEAR(counts[1], 6000, 355);
  EXPECT_NEAR(counts[2], 2000, 355);
}

TEST(Sampler, TopKTopPAndMinPKeepWhatTheySay) {
  const std::vector<float> logits = {std::log(0.1f), std::log(0.5f), std::log(0.1f), std::log(0.3f)};
  const auto kept = [&](SamplerOptions options) {
    options.temperature = 1;
    std::set<std::size_t> ids;
    const std::vector<int> counts = histogram(options, logits, 2000);
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] > 0) ids.insert(i);
    }
    return ids;
  };
  using Ids = std::set<std::size_t>;
  SamplerOptions options;
  EXPECT_EQ(kept(options), (Ids{0, 1, 2, 3}));
  options.top_k = 3;
  EXPECT_EQ(kept(options), (Ids{0, 1, 3}));  // of equals the lower id
  options.top_k = 100;
  EXPECT_EQ(kept(options), (Ids{0, 1, 2, 3}));
  options = {};
  options.top_p = 0.6f;
  EXPECT_EQ(kept(options), (Ids{1, 3}));
  options.top_p = 0;
  EXPECT_EQ(kept(options), (Ids{1}));
  options = {};
  options.min_p = 0.5f;
  EXPECT_EQ(kept(options), (Ids{1, 3}));
  options.top_k = 1;
  EXPECT_EQ(kept(options), (Ids{1}));
}

TEST(Sampler, TheSeedDecides) {
  const std::vector<float> logits(50, 0.0f);
  const auto sequence = [&](std::uint64_t seed) {
    SamplerOptions options;
    options.temperature = 1;
    options.seed = seed;
    Sampler sampler(options);
    std::vector<std::int32_t> ids;
    for (int i = 0; i < 20; ++i) ids.push_back(next(sampler, logits));
    return ids;
  };
  EXPECT_EQ(sequence(7), sequence(7));
  EXPECT_NE(sequence(7), sequence(8));
}

}  // namespace
}  // namespace tome
