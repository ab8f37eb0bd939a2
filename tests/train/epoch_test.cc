// The order of an epoch, held-out lines, packing, and what packed examples see.
#include "train/epoch.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "data_files.h"
#include "memory_file.h"

namespace tome {
namespace {

std::vector<std::uint32_t> numbers(std::uint32_t end) {
  std::vector<std::uint32_t> all(end);
  std::iota(all.begin(), all.end(), 0u);
  return all;
}

/// A set of texts with these numbers of tokens (BOS among them).
class Texts {
 public:
  explicit Texts(const std::vector<std::size_t>& tokens, std::int64_t window = 1000)
      : file_(lines(tokens)), set_({file_.path()}, tokenizer_, layout_, {{window, TrainOn::kAnswers}}) {}
  const TrainingSet& operator*() const { return set_; }

 private:
  static std::string lines(const std::vector<std::size_t>& tokens) {
    std::string all;
    for (const std::size_t count : tokens) all += cat(R"({"text":")", std::string(count - 1, 'x'), "\"}\n");
    return all;
  }
  MemoryFile file_;
  LetterTokenizer tokenizer_;
  Layout layout_ = short_layout();
  TrainingSet set_;
};

std::vector<std::vector<std::uint32_t>> passes_of(const PassPlan& plan) {
  std::vector<std::vector<std::uint32_t>> passes;
  for (std::size_t i = 0; i < plan.size(); ++i) passes.emplace_back(plan.pass(i).begin(), plan.pass(i).end());
  return passes;
}

using Passes = std::vector<std::vector<std::uint32_t>>;

TEST(Shuffled, IsTheSameOnEveryMachine) {
  // Fixed for ever: a run that is resumed elsewhere goes on with the same order.
  EXPECT_EQ(shuffled(numbers(8), 1, 0), (std::vector<std::uint32_t>{1, 3, 7, 2, 6, 4, 0, 5}));
  EXPECT_EQ(shuffled(numbers(8), 1, 1), (std::vector<std::uint32_t>{1, 2, 6, 7, 3, 5, 4, 0}));
}

TEST(Shuffled, EveryPlaceIsAsLikely) {
  constexpr int kRounds = 7000;
  int counts[7][7] = {};
  for (int seed = 0; seed < kRounds; ++seed) {
    const auto order = shuffled(numbers(7), static_cast<std::uint64_t>(seed), 3);
    EXPECT_EQ(std::set<std::uint32_t>(order.begin(), order.end()).size(), 7u);
    for (std::size_t place = 0; place < 7; ++place) ++counts[place][order[place]];
  }
  // 1,000 expected in each of 49 cells, deviation 29: five deviations.
  for (const auto& row : counts) {
    for (const int count : row) EXPECT_NEAR(count, 1000, 147);
  }
}

TEST(HoldOut, RowsStayTogetherAndNoneIsLost) {
  const Texts texts({5, 25, 5, 40, 5, 5}, 11);  // the 25 and 40 become several examples
  const auto& set = *texts;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const DataSplit split = hold_out(set, 2, seed);
    std::set<std::size_t> held, trained;
    for (const std::uint32_t i : split.held_out) held.insert(set.row_of(i));
    for (const std::uint32_t i : split.training) trained.insert(set.row_of(i));
    EXPECT_EQ(held.size(), 2u);
    EXPECT_EQ(trained.size(), 4u);
    EXPECT_EQ(split.held_out.size() + split.training.size(), set.size());
    EXPECT_TRUE(std::is_sorted(split.held_out.begin(), split.held_out.end()));
    EXPECT_TRUE(std::is_sorted(split.training.begin(), split.training.end()));
    EXPECT_EQ(hold_out(set, 2, seed).held_out, split.held_out);
  }
  EXPECT_NE(hold_out(set, 2, 1).held_out, hold_out(set, 2, 4).held_out);
  EXPECT_TRUE(hold_out(set, 0, 1).held_out.empty());
  expect_user_error([&] { hold_out(set, 6, 1); }, "--hold-out: got 6, but the data has 6 usable lines");
}

TEST(PlanPasses, FirstFit) {
  const Texts texts({6, 5, 4, 3, 2, 10, 5});
  EXPECT_EQ(passes_of(plan_passes(*texts, numbers(7), 10, true)), (Passes{{0, 2}, {1, 3, 4}, {5}, {6}}));
  EXPECT_EQ(passes_of(plan_passes(*texts, numbers(7), 10, false)), (Passes{{0}, {1}, {2}, {3}, {4}, {5}, {6}}));
  const std::vector<std::uint32_t> order = {3, 6, 3};  // an order may name some, and some twice
  EXPECT_EQ(passes_of(plan_passes(*texts, order, 10, true)), (Passes{{3, 6}, {3}}));
  EXPECT_EQ(plan_passes(*texts, {}, 10, true).size(), 0u);
  EXPECT_THROW(plan_passes(*texts, numbers(7), 9, true), InternalError);
}

TEST(PlanPasses, OnlySixteenAreOpen) {
  std::vector<std::size_t> tokens(17, 8);
  tokens.push_back(2);  // pass 0 is closed by now
  const Passes passes = passes_of(plan_passes(*Texts(tokens), numbers(18), 10, true));
  ASSERT_EQ(passes.size(), 17u);
  EXPECT_EQ(passes[0], (std::vector<std::uint32_t>{0}));
  EXPECT_EQ(passes[1], (std::vector<std::uint32_t>{1, 17}));
}

TEST(PlanPasses, EachExampleOnceAndNoneTooLong) {
  Dice dice(8);
  std::vector<std::size_t> tokens;
  for (int i = 0; i < 500; ++i) tokens.push_back(2 + dice.below(63));
  const Texts texts(tokens);
  const PassPlan plan = plan_passes(*texts, shuffled(numbers(500), 9, 0), 64, true);
  std::set<std::uint32_t> seen;
  std::size_t total = 0;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    std::size_t sum = 0;
    for (const std::uint32_t example : plan.pass(i)) {
      EXPECT_TRUE(seen.insert(example).second);
      sum += tokens[example];
    }
    EXPECT_LE(sum, 64u);
    total += sum;
  }
  EXPECT_EQ(seen.size(), 500u);
  EXPECT_GT(static_cast<double>(total) / static_cast<double>(64 * plan.size()), 0.9);  // little room is wasted
}

TEST(PackExamples, EachRowIsThatOfTheExampleAlone) {
  const auto make = [](std::string_view line) { return encode(row_of(line), 1000).examples.at(0); };
  const std::vector<EncodedExample> examples = {
      make(R"({"document":"doc","questions":[{"question":"a","answer":"1"},{"question":"b","answer":"2"}]})"),
      make(R"({"text":"abc"})"),
      make(R"({"document":"D","questions":[{"question":"x","answer":"7"},{"question":"y","answer":"8"},)"
           R"({"question":"z","answer":"9"}]})"),
      make(R"({"messages":[{"role":"user","content":"u"},{"role":"assistant","content":"v"}]})")};
  const TrainingExample pass = pack_examples(examples);
  expect_sound(pass);
  EXPECT_EQ(pass.name, "data.jsonl:1 and 3 more");
  std::size_t row = 0;
  for (const EncodedExample& example : examples) {
    const TrainingExample alone = pass_of(example);
    expect_sound(alone);
    EXPECT_EQ(alone.name, "data.jsonl:1");
    const auto start = static_cast<std::int64_t>(row);
    for (std::size_t i = 0; i < alone.ids.size(); ++i, ++row) {
      EXPECT_EQ(pass.ids[row], alone.ids[i]);
      EXPECT_EQ(pass.targets[row], alone.targets[i]);
      EXPECT_EQ(pass.positions[row], alone.positions[i]);
      ops::KeyRange shifted = alone.visible[i];
      shifted.begin += start;
      shifted.end += start;
      if (shifted.has_gap()) {
        shifted.gap_begin += start;
        shifted.gap_end += start;
      }
      EXPECT_EQ(pass.visible[row], shifted);
    }
  }
  EXPECT_EQ(row, pass.ids.size());
}

TEST(LoadExamples, ReadsSpreadsAndJoins) {
  const Texts texts({5, 9, 7});
  const std::vector<std::uint32_t> both = {2, 0};
  const TrainingExample plain = load_examples(*texts, both, {}, 4);
  EXPECT_EQ(plain.positions, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4}));
  const PoseOptions pose{1000, 2, 6};
  const TrainingExample spread = load_examples(*texts, both, pose, 4);
  expect_sound(spread);
  EXPECT_EQ(spread.ids, plain.ids);
  EXPECT_EQ(spread.visible, plain.visible);
  EXPECT_NE(spread.positions, plain.positions);
  EncodedExample first = (*texts).example(2);
  spread_positions(first, pose, 4, 2);
  EXPECT_TRUE(std::equal(first.positions.begin(), first.positions.end(), spread.positions.begin()));
  EXPECT_EQ(load_examples(*texts, both, pose, 4).positions, spread.positions);
  EXPECT_NE(load_examples(*texts, both, pose, 5).positions, spread.positions);
}

}  // namespace
}  // namespace tome
