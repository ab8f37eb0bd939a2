#include "train/training_plan.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace tome {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

TrainingPlanOptions options_of(const PlanModel& model, std::int64_t tokens) {
  TrainingPlanOptions options = plan_options(model.config, AdapterSettings{}, tokens);
  options.threads = 2;
  return options;
}

TEST(TrainingPlan, CountsAnAdaptersNumbers) {
  const PlanModel smollm2 = known_shape("smollm2");
  EXPECT_EQ(plan_options(smollm2.config, AdapterSettings{}, 1000).trained, 4884480u);  // as PEFT counts them
  AdapterSettings norms;
  norms.norms = true;
  EXPECT_EQ(plan_options(smollm2.config, norms, 1000).trained, 4884480u + 61 * 576);
}

TEST(TrainingPlan, MemoryGrowsInAStraightLine) {
  const PlanModel model = known_shape("smollm2");
  std::vector<double> slopes;
  for (const std::int64_t tokens : {16384, 32768, 65536}) {
    TrainingPlanOptions options = options_of(model, tokens);
    options.activation_bytes = 0;
    options.head_group_bytes = 1;
    const auto at = [&](std::int64_t n) {
      options.tokens = n;
      return static_cast<double>(make_training_plan(model, options).peak_private);
    };
    slopes.push_back((at(2 * tokens) - at(tokens)) / static_cast<double>(tokens));
  }
  EXPECT_NEAR(slopes[1], slopes[0], 0.1 * slopes[0]);
  EXPECT_NEAR(slopes[2], slopes[0], 0.1 * slopes[0]);
}

TEST(TrainingPlan, LessMemoryGivesSlowerSchedules) {
  const PlanModel model = known_shape("smollm2");
  const TrainingPlanOptions asked = options_of(model, 8192);
  const TrainingPlanOptions all = fit_training(model, asked, 8192 * kMiB);
  EXPECT_EQ(all.keep, Keep::kAll);
  EXPECT_EQ(make_training_plan(model, all).spill, 0u);
  const TrainingPlanOptions attention = fit_training(model, asked, 1024 * kMiB);
  EXPECT_EQ(attention.keep, Keep::kAttention);
  EXPECT_EQ(make_training_plan(model, attention).spill, 0u);
  const TrainingPlanOptions spilled = fit_training(model, asked, 400 * kMiB);
  EXPECT_GT(make_training_plan(model, spilled).spill, 0u);
  EXPECT_GT(spilled.activation_bytes, 0u) << "what fits stays in memory";
  for (const auto& [options, memory] : {std::pair(all, 8192), std::pair(attention, 1024), std::pair(spilled, 400)}) {
    EXPECT_LE(make_training_plan(model, options).peak_private, static_cast<std::uint64_t>(memory) * kMiB);
  }
}

TEST(TrainingPlan, TooLittleMemoryIsRefusedWithWhatWouldFit) {
  const PlanModel model = known_shape("smollm2");
  const TrainingPlanOptions asked = options_of(model, 100000);
  try {
    fit_training(model, asked, 300 * kMiB);
    FAIL() << "no error";
  } catch (const UserError& error) {
    const std::string text = error.what();
    const auto number_after = [&](const std::string& words) {
      const std::size_t at = text.find(words);
      return at == std::string::npos ? 0 : std::strtoll(text.c_str() + at + words.size(), nullptr, 10);
    };
    const std::int64_t memory = number_after("would fit: --memory ");
    const std::int64_t tokens = number_after("--context ");
    ASSERT_GT(memory, 300) << text;
    ASSERT_GT(tokens, 1000) << text;
    EXPECT_NO_THROW(fit_training(model, asked, static_cast<std::uint64_t>(memory) * kMiB)) << text;
    EXPECT_NO_THROW(fit_training(model, options_of(model, tokens), 300 * kMiB)) << text;
    EXPECT_THROW(fit_training(model, asked, static_cast<std::uint64_t>(memory - 2) * kMiB), UserError) << text;
  }
}

TEST(TrainingPlan, Llama7bAt100000TokensFitsFiveGiB) {
  const PlanModel model = known_shape("llama-2-7b");
  const TrainingPlanOptions options = fit_training(model, options_of(model, 100000), 5 * 1024 * kMiB);
  EXPECT_LE(make_training_plan(model, options).peak_private, 5 * 1024 * kMiB);
}

}  // namespace
}  // namespace tome
