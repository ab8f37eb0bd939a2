// Skip-wise positions: bounds, order and chunks over many seeds.
#include "train/pose.h"

#include <gtest/gtest.h>

#include <set>

#include "data_files.h"

namespace tome {
namespace {

EncodedExample text_of(std::size_t tokens) {
  return encode({DataRow::Kind::kText, std::string(tokens - 1, 'x'), {}}, 1000).examples.at(0);
}

EncodedExample questions(std::size_t document, std::size_t count) {
  std::vector<QuestionAnswer> pairs(count, {"q", "a"});
  for (std::size_t i = 0; i < count; ++i) pairs[i].question.assign(1 + i % 5, 'q');
  return encode({DataRow::Kind::kQuestions, std::string(document, 'd'), pairs}, 1000).examples.at(0);
}

EncodedExample spread(EncodedExample example, const PoseOptions& options, std::uint64_t step = 0,
                      std::uint64_t index = 0) {
  spread_positions(example, options, step, index);
  return example;
}

// The rows before the first branch (all rows, without branches) that do not follow the row before by one.
std::size_t jumps(const EncodedExample& example) {
  const std::size_t rows = example.branches.empty() ? example.ids.size() : example.branches[0] + 1;
  std::size_t count = 0;
  for (std::size_t i = 1; i < rows; ++i) count += example.positions[i] != example.positions[i - 1] + 1 ? 1 : 0;
  return count;
}

TEST(Pose, ATextsPositionsGrowWithinTheTargetWindow) {
  for (const std::int64_t chunks : {2, 3, 7, 1000}) {
    std::set<std::size_t> cuts;
    std::set<std::int64_t> lasts;
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
      const EncodedExample example = spread(text_of(40), {100, chunks, seed});
      ASSERT_EQ(example.positions.front(), 0);
      for (std::size_t i = 1; i < 40; ++i) {
        ASSERT_GT(example.positions[i], example.positions[i - 1]);
        if (example.positions[i] != example.positions[i - 1] + 1) cuts.insert(i);
      }
      ASSERT_LT(example.positions.back(), 100);
      ASSERT_LE(jumps(example), static_cast<std::size_t>(chunks - 1));
      lasts.insert(example.positions.back());
      expect_sound(pass_of(example));
    }
    EXPECT_EQ(cuts.size(), 39u);  // every place is cut some time
    EXPECT_EQ(*lasts.rbegin(), 99);
    EXPECT_EQ(*lasts.begin() == 39, chunks == 2);  // the more skips, the farther the farthest
  }
}

// Sliding layers see the last positions, as they do in a text that fills the window: not the last rows.
TEST(Pose, SlidingLayersDoNotSeeAcrossASkip) {
  TrainingExample example;
  example.positions = {0, 1, 2, 3, 50, 51, 52, 53, 54, 52, 53, 54};  // rows 9 to 11: a second question after row 5
  for (std::int64_t row = 0; row < 9; ++row) example.visible.push_back({0, row + 1});
  for (std::int64_t row = 9; row < 12; ++row) example.visible.push_back({0, row + 1, 6, 9});
  const auto near = sliding_visible(example, 3);
  const std::vector<ops::KeyRange> expected = {{0, 1}, {0, 2}, {0, 3}, {1, 4},        {4, 5},        {4, 6},
                                               {4, 7}, {5, 8}, {6, 9}, {4, 10, 6, 9}, {5, 11, 6, 9}, {9, 12}};
  EXPECT_EQ(near, expected);
  example.positions = {0, 1, 2, 3, 4, 5, 6, 7, 8, 6, 7, 8};  // without skips: the last rows
  const auto all = sliding_visible(example, 5);
  const std::vector<ops::KeyRange> last_five = {{0, 1}, {0, 2}, {0, 3}, {0, 4},        {0, 5},        {1, 6},
                                                {2, 7}, {3, 8}, {4, 9}, {2, 10, 6, 9}, {3, 11, 6, 9}, {4, 12, 6, 9}};
  EXPECT_EQ(all, last_five);
}

TEST(Pose, TwoChunksReachEveryLengthAsOften) {
  // skip 0..60, each 1/61 of 6,100: 100 expected, deviation 10.
  std::vector<int> counts(61);
  for (std::uint64_t seed = 0; seed < 6100; ++seed) {
    ++counts[static_cast<std::size_t>(spread(text_of(40), {100, 2, seed}).positions.back() - 39)];
  }
  for (const int count : counts) EXPECT_NEAR(count, 100, 50);
}

TEST(Pose, QuestionsGoOnFromTheDocumentsEnd) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    for (const std::size_t count : {1u, 4u}) {
      const EncodedExample plain = questions(30, count);
      const EncodedExample example = spread(plain, {200, 3, seed});
      expect_sound(pass_of(example));
      const std::int64_t first = example.positions[example.branches[0]];
      std::int64_t last = 0;
      for (std::size_t i = 0; i < example.ids.size(); ++i) {
        last = std::max(last, example.positions[i]);
        if (i < example.branches[0]) continue;
        // All of them in the last chunk: moved on as one.
        ASSERT_EQ(example.positions[i] - first, plain.positions[i] - plain.positions[plain.branches[0]]);
      }
      ASSERT_LT(last, 200);
      ASSERT_LE(jumps(example), 2u);
    }
  }
}

TEST(Pose, WhatFillsTheWindowStays) {
  const EncodedExample plain = text_of(40);
  EXPECT_EQ(spread(plain, {40, 2, 1}).positions, plain.positions);
  EXPECT_EQ(spread(plain, {39, 2, 1}).positions, plain.positions);
  EXPECT_EQ(spread(plain, {0, 2, 1}).positions, plain.positions);
  EXPECT_EQ(spread(plain, {1000, 1, 1}).positions, plain.positions);
  // The longest question decides, not the sum of all.
  const EncodedExample several = questions(10, 5);
  const std::int64_t span = *std::max_element(several.positions.begin(), several.positions.end()) + 1;
  EXPECT_EQ(spread(several, {span, 2, 1}).positions, several.positions);
  EXPECT_NE(spread(several, {span + 1000, 2, 1}).positions, several.positions);
}

TEST(Pose, SeedStepAndExampleDecide) {
  const auto positions = [](std::uint64_t seed, std::uint64_t step, std::uint64_t index) {
    return spread(text_of(40), {100000, 2, seed}, step, index).positions;
  };
  EXPECT_EQ(positions(1, 2, 3), positions(1, 2, 3));
  EXPECT_NE(positions(1, 2, 3), positions(2, 2, 3));
  EXPECT_NE(positions(1, 2, 3), positions(1, 3, 3));
  EXPECT_NE(positions(1, 2, 3), positions(1, 2, 4));
  EXPECT_NE(positions(1, 2, 3), positions(1, 3, 2));
}

}  // namespace
}  // namespace tome
