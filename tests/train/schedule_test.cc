// The learning rate's course against transformers'.
#include "train/schedule.h"

#include <nlohmann/json.hpp>

#include "train_files.h"

namespace tome {
namespace {

TEST(Schedule, AfterTheWarmUpAsTransformers) {
  const auto cases = nlohmann::json::parse(read_text(std::filesystem::path(TOME_GOLDEN_DIR) / "schedules.json"));
  ASSERT_EQ(cases.size(), 8U);
  for (const auto& golden : cases) {
    const Schedule schedule{parse_schedule(golden.at("kind")), golden.at("warm_up_steps"), golden.at("steps")};
    const std::vector<double> factors = golden.at("factors");
    for (std::int64_t step = schedule.warm_up_steps; step < schedule.steps; ++step) {
      EXPECT_NEAR(schedule.factor(step), factors[static_cast<std::size_t>(step)], 1e-12) << golden << " step " << step;
    }
  }
}

TEST(Schedule, TheWarmUpRisesEvenlyFromAboveZero) {
  for (const char* name : {"constant", "linear", "cosine"}) {
    const Schedule schedule{parse_schedule(name), 4, 10};
    for (std::int64_t step = 0; step < 4; ++step) {
      EXPECT_DOUBLE_EQ(schedule.factor(step), static_cast<double>(step + 1) / 5) << name;
    }
    EXPECT_DOUBLE_EQ(schedule.factor(4), 1) << name;
  }
}

TEST(Schedule, ConstantStaysAndTheOthersEndNearZero) {
  const auto last = [](const char* name) { return Schedule{parse_schedule(name), 0, 1000}.factor(999); };
  EXPECT_EQ(last("constant"), 1);
  EXPECT_NEAR(last("linear"), 1e-3, 1e-9);
  EXPECT_LT(last("cosine"), 1e-5);
  EXPECT_GT(last("cosine"), 0);
}

TEST(Schedule, AWarmUpThatNeverEndsIsNoDivisionByZero) {
  const Schedule schedule{ScheduleKind::kLinear, 10, 10};
  EXPECT_EQ(schedule.factor(10), 1);
}

TEST(Schedule, UnknownNames) {
  expect_user_error([] { parse_schedule("cosinus"); }, {"--schedule", "cosinus", "constant, linear or cosine"});
}

}  // namespace
}  // namespace tome
