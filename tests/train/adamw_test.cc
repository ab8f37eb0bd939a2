// AdamW against PyTorch's and bitsandbytes', and against a scalar reference in double.
#include "train/adamw.h"

#include <cmath>
#include <random>

#include "base/resources.h"
#include "train_files.h"

namespace tome {
namespace {

constexpr int kSteps = 20;
constexpr double kRate = 0.02;

AdamwSettings golden_settings(bool eight_bit) {
  AdamwSettings settings;
  settings.beta2 = 0.98;
  settings.epsilon = 1e-7;
  settings.weight_decay = 0.1;
  settings.eight_bit = eight_bit;
  return settings;
}

// The problem of make_optimizer.py: sum of curvature / 2 * (value - target)^2 over a matrix and a norm, which does not
// decay.
struct Problem {
  std::vector<float> values = both("start");
  std::vector<float> target = both("target");
  std::vector<float> curvature = both("curvature");
  std::vector<OptimizedTensor> tensors;

  Problem() {
    const std::vector<AdapterTensor> shapes{{"matrix", {64, 67}, 0}, {"norm", {300}, 64 * 67}};
    tensors = optimized_tensors(shapes);
  }
  static std::vector<float> both(const std::string& part) {
    auto result = golden<float>("matrix/" + part);
    const auto norm = golden<float>("norm/" + part);
    result.insert(result.end(), norm.begin(), norm.end());
    return result;
  }
  std::vector<float> gradients() const {
    std::vector<float> result(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) result[i] = curvature[i] * (values[i] - target[i]);
    return result;
  }
  double loss() const {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      sum += double{curvature[i]} / 2 * (double{values[i]} - target[i]) * (double{values[i]} - target[i]);
    }
    return sum;
  }
};

// Returns the losses before each step.
std::vector<double> run(AdamW& optimizer, Problem& problem, int steps = kSteps) {
  std::vector<double> losses;
  for (int step = 0; step < steps; ++step) {
    losses.push_back(problem.loss());
    optimizer.step(problem.values, problem.gradients(), kRate, 1);
  }
  return losses;
}

std::vector<float> expected_values(const std::string& kind) {
  auto result = golden<float>(kind + "/matrix");
  const auto norm = golden<float>(kind + "/norm");
  result.insert(result.end(), norm.begin(), norm.end());
  return result;
}

// ||got - expected|| / ||expected - start||: the difference in terms of the way gone.
double relative_way(const std::vector<float>& got, const std::vector<float>& expected) {
  const std::vector<float> start = Problem().values;
  double difference = 0;
  double way = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    difference += (double{got[i]} - expected[i]) * (double{got[i]} - expected[i]);
    way += (double{expected[i]} - start[i]) * (double{expected[i]} - start[i]);
  }
  return std::sqrt(difference / way);
}

TEST(AdamW, TwentyStepsAsPyTorch) {
  Threads threads(2);
  Problem problem;
  AdamW optimizer(problem.tensors, golden_settings(false), threads);
  const std::vector<double> losses = run(optimizer, problem);
  EXPECT_LT(relative_way(problem.values, expected_values("torch")), 1e-6);  // some ulp of values near 1, twenty times
  const auto expected = golden<double>("torch/losses");
  ASSERT_EQ(losses.size(), expected.size());
  for (std::size_t i = 0; i < losses.size(); ++i) EXPECT_NEAR(losses[i], expected[i], 1e-5 * expected[i]) << i;
}

TEST(AdamW, TwentyStepsInEightBitsAsBitsandbytes) {
  Threads threads(2);
  Problem problem;
  AdamW optimizer(problem.tensors, golden_settings(true), threads);
  const std::vector<double> losses = run(optimizer, problem);
  EXPECT_LT(relative_way(problem.values, expected_values("nearest")), 1e-3);
  const auto expected = golden<double>("nearest/losses");
  for (std::size_t i = 0; i < losses.size(); ++i) EXPECT_NEAR(losses[i], expected[i], 1e-4 * expected[i]) << i;

  const std::size_t size = 64 * 67;
  const auto first = golden<std::uint8_t>("nearest/state1");
  const auto second = golden<std::uint8_t>("nearest/state2");
  const auto* codes = reinterpret_cast<const std::uint8_t*>(optimizer.state().data());
  std::size_t differ = 0;
  for (std::size_t i = 0; i < size; ++i) differ += codes[i] != first[i] || codes[size + i] != second[i] ? 1 : 0;
  EXPECT_LE(differ, size / 500);  // a number within rounding of a border between two codes
}

// bitsandbytes as it is looks codes up in a coarser table on CPUs, so that only the course can be compared.
TEST(AdamW, EightBitsTrainAsThirtyTwo) {
  Threads threads(2);
  Problem problem;
  AdamW optimizer(problem.tensors, golden_settings(true), threads);
  const double ours = run(optimizer, problem).back();
  const auto exact = golden<double>("torch/losses");
  const double fast = golden<double>("fast/losses").back();
  EXPECT_NEAR(ours, exact.back(), 0.01 * (exact.front() - exact.back()));
  EXPECT_LE(std::abs(ours - exact.back()), std::abs(fast - exact.back()));
  EXPECT_LT(optimizer.state().size(), 64 * 67 * 2 + 300 * 8 + 1024);
}

// One number in double, written down from the paper.
struct Reference {
  double value, first = 0, second = 0;
  void step(double g, int t, const AdamwSettings& s, double rate, bool decays) {
    if (decays) value -= rate * s.weight_decay * value;
    first = s.beta1 * first + (1 - s.beta1) * g;
    second = s.beta2 * second + (1 - s.beta2) * g * g;
    const double unbiased = first / (1 - std::pow(s.beta1, t));
    value -= rate * unbiased / (std::sqrt(second / (1 - std::pow(s.beta2, t))) + s.epsilon);
  }
};

TEST(AdamW, OddSizesHolesAndScaleAgainstTheReference) {
  std::mt19937 random(1);
  std::normal_distribution<float> gauss;
  const std::vector<OptimizedTensor> tensors{{3, 1, true}, {4, 257, false}, {261, 20000, true}};  // 0..2 stay
  Threads threads(2);
  AdamwSettings settings;
  settings.weight_decay = 0.3;
  AdamW optimizer(tensors, settings, threads);
  std::vector<float> values(20261 + 5);
  for (float& value : values) value = gauss(random);
  const std::vector<float> start = values;
  std::vector<Reference> references;
  for (const float value : start) references.push_back({value});
  for (int t = 1; t <= 9; ++t) {
    std::vector<float> gradients(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) gradients[i] = gauss(random) * std::exp(gauss(random));
    optimizer.step(values, gradients, 0.01 * t, 0.25);
    for (const OptimizedTensor& tensor : tensors) {
      for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
        references[i].step(0.25 * gradients[i], t, settings, 0.01 * t, tensor.decays);
      }
    }
  }
  EXPECT_EQ(optimizer.steps(), 9);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i < 3 || i >= 20261) {
      EXPECT_EQ(values[i], start[i]) << i;
    } else {
      EXPECT_NEAR(values[i], references[i].value, 3e-6) << i;  // nine roundings of values below 4, ulp 2.4e-7
    }
  }
}

TEST(AdamW, ThreadsPagesAndResumingChangeNoBit) {
  for (const bool eight_bit : {false, true}) {
    Threads one(1);
    Threads three(3);
    Problem expected;
    AdamW plain(expected.tensors, golden_settings(eight_bit), one);
    run(plain, expected);

    AdamwSettings paged = golden_settings(eight_bit);
    paged.page_folder = std::filesystem::temp_directory_path();
    Problem problem;
    std::vector<std::byte> saved;
    {
      AdamW first(problem.tensors, paged, three);
      run(first, problem, 7);
      saved.assign(first.state().begin(), first.state().end());
    }
    AdamW second(problem.tensors, paged, three);
    second.restore(saved, 7);
    run(second, problem, kSteps - 7);
    EXPECT_EQ(problem.values, expected.values);
    EXPECT_TRUE(std::ranges::equal(second.state(), plain.state()));
    EXPECT_EQ(second.steps(), kSteps);
  }
}

TEST_F(TrainTest, PagedMomentsAreNoPrivateMemoryAndLeaveNoFile) {
  if (!kMemoryIsMeasurable) GTEST_SKIP() << "private memory under a sanitizer";
  const std::vector<OptimizedTensor> tensors{{0, std::size_t{8} << 20, true}};
  Threads threads(1);
  AdamwSettings settings;
  settings.page_folder = folder();
  std::vector<float> values(tensors[0].size, 1.0F);
  const std::vector<float> gradients(tensors[0].size, 1.0F);
  const std::uint64_t before = memory_use().anonymous;
  AdamW optimizer(tensors, settings, threads);
  optimizer.step(values, gradients, 0.1, 1);
  EXPECT_EQ(optimizer.state().size(), std::size_t{64} << 20);
  EXPECT_LT(memory_use().anonymous, before + (std::uint64_t{4} << 20));
  EXPECT_TRUE(std::filesystem::is_empty(folder()));
}

TEST_F(TrainTest, PagesThatDoNotFitAreRefusedBeforeTheFirstStep) {
  const FileSizeLimit limit(1 << 20);
  Threads threads(1);
  AdamwSettings settings;
  settings.page_folder = folder();
  const std::vector<OptimizedTensor> tensors{{0, std::size_t{1} << 20, true}};
  expect_user_error([&] { AdamW(tensors, settings, threads); },
                    {"the optimizer's moments", folder().string(), "needs 8 MiB", "free ", "make room"});
}

TEST(AdamW, SettingsOutOfRange) {
  AdamwSettings settings;
  settings.beta2 = 1;
  expect_user_error([&] { settings.check(); }, {"beta2", "got 1", "from 0 to below 1"});
  settings = {};
  settings.weight_decay = std::nan("");
  expect_user_error([&] { settings.check(); }, {"weight decay"});
}

TEST(GlobalNorm, AsPyTorchClips) {
  Threads threads(2);
  const auto before = golden<float>("clip/before");
  const double norm = global_norm(before, threads);
  EXPECT_NEAR(norm, golden<float>("clip/norm")[0], 1e-6 * norm);
  const double factor = clip_factor(norm, 5);
  const auto after = golden<float>("clip/after");
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(before[i] * factor, after[i], 1e-6 * after[i]);
  EXPECT_EQ(clip_factor(norm, 0), 1);
  EXPECT_EQ(clip_factor(norm, 1e9), 1);
}

TEST(GlobalNorm, TheSameForEveryThreadCountAndShowsWhatIsNotFinite) {
  std::mt19937 random(1);
  std::normal_distribution<float> gauss;
  std::vector<float> values(3 * 65536 + 13);
  for (float& value : values) value = gauss(random);
  Threads one(1);
  Threads three(3);
  const double norm = global_norm(values, one);
  for (int again = 0; again < 20; ++again) EXPECT_EQ(global_norm(values, three), norm);
  double sum = 0;
  for (const float value : values) sum += double{value} * value;
  EXPECT_NEAR(norm, std::sqrt(sum), 1e-9 * norm);
  EXPECT_EQ(global_norm({}, one), 0);
  values[70000] = std::nanf("");
  EXPECT_FALSE(std::isfinite(global_norm(values, three)));
}

}  // namespace
}  // namespace tome
