#include "eval/statistics.h"

#include <vector>

#include <nlohmann/json.hpp>

#include "eval_files.h"

namespace tome::eval {
namespace {

// tests/golden/make_statistics.py: scipy and statsmodels.
nlohmann::json goldens() {
  return nlohmann::json::parse(text_of(std::filesystem::path(TOME_GOLDEN_DIR) / "statistics.json"));
}

TEST(Statistics, WilsonIntervalsAreThoseOfStatsmodels) {
  const nlohmann::json all = goldens();
  ASSERT_FALSE(all.at("wilson").empty());
  for (const auto& one : all.at("wilson")) {
    const Interval interval = wilson(one.at("right").get<std::size_t>(), one.at("n").get<std::size_t>());
    EXPECT_NEAR(interval.low, one.at("interval")[0].get<double>(), 1e-9) << one;
    EXPECT_NEAR(interval.high, one.at("interval")[1].get<double>(), 1e-9) << one;
  }
}

TEST(Statistics, PairedTestsAreMcNemarsAndThePermutationTestOfScipy) {
  const nlohmann::json all = goldens();
  for (const char* kind : {"binary", "real"}) {
    for (const auto& one : all.at(kind)) {
      const auto first = one.at("first").get<std::vector<double>>(),
                 second = one.at("second").get<std::vector<double>>();
      const PairedTest test = paired_test(first, second);
      EXPECT_NEAR(test.p, one.at("p").get<double>(), 1e-9) << kind << " " << first.size();
      EXPECT_EQ(test.n, first.size());
      EXPECT_NEAR(paired_test(second, first).difference, -test.difference, 1e-12);
    }
  }
}

TEST(Statistics, ManyPairsAreDrawnAndComeNearTheExactTest) {
  std::vector<double> first, second;
  for (int i = 0; i < 40; ++i) {
    first.push_back(0.5 + 0.01 * (i % 7));
    second.push_back(first.back() + (i % 3 == 0 ? -0.11 : 0.07));
  }
  const PairedTest test = paired_test(first, second);
  // The normal approximation of the same test: the sum of differences over its spread under random signs.
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < first.size(); ++i) {
    sum += second[i] - first[i];
    squares += (second[i] - first[i]) * (second[i] - first[i]);
  }
  const double normal = std::erfc(sum / std::sqrt(squares) / std::sqrt(2.0));
  EXPECT_NEAR(test.p, normal, 0.03);
  EXPECT_GT(test.p, 0.2);
}

TEST(Statistics, EqualScoresDifferNowhere) {
  const std::vector<double> scores = {0, 1, 1, 0.5};
  const PairedTest test = paired_test(scores, scores);
  EXPECT_EQ(test.p, 1);
  EXPECT_EQ(test.difference, 0);
  EXPECT_EQ(test.first_only + test.second_only, 0u);
  EXPECT_EQ(paired_test({}, {}).p, 1);
}

TEST(Statistics, BootstrapCoversTheMeanAndShrinksWithMoreScores) {
  std::vector<double> few, many;
  for (int i = 0; i < 400; ++i) {
    const double score = 0.1 * (i % 11);
    if (i < 40) few.push_back(score);
    many.push_back(score);
  }
  const Interval wide = bootstrap(few), narrow = bootstrap(many);
  EXPECT_LT(narrow.high - narrow.low, 0.5 * (wide.high - wide.low));
  EXPECT_LT(narrow.low, 0.4975);
  EXPECT_GT(narrow.high, 0.4975);
  // 1.96 standard errors of these scores: the spread of 0, 0.1 .. 1 is 0.316.
  EXPECT_NEAR(narrow.high - narrow.low, 2 * 1.96 * 0.316 / 20, 0.006);
}

TEST(Statistics, ScoresBetweenZeroAndOneTakeTheBootstrap) {
  const std::vector<double> binary = {1, 0, 1, 1}, real = {1, 0, 0.5, 1};
  EXPECT_EQ(mean_interval(binary).low, wilson(3, 4).low);
  EXPECT_EQ(mean_interval(real).low, bootstrap(real).low);
  EXPECT_EQ(mean_interval({}).high, 1);
}

}  // namespace
}  // namespace tome::eval
