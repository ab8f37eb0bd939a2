#include "eval/tasks/cells.h"

#include <algorithm>

#include "eval/tasks/random_texts.h"
#include "eval/tasks/words.h"
#include "generated_tasks.h"

namespace tome::eval {
namespace {

TEST(Cells, TheLargestNumberThatFitsIsFoundInFewSteps) {
  Choices choices(1, "fit");
  for (int round = 0; round < 500; ++round) {
    std::vector<std::int64_t> tokens = {choices.between(0, 50)};  // tokens[n]: a text of n items
    const std::int64_t size = choices.between(1, 3000);
    while (std::ssize(tokens) <= size) tokens.push_back(tokens.back() + choices.between(1, 40));
    const std::int64_t budget = choices.between(0, 20 * size + 40);
    int calls = 0;
    const auto count = [&](std::int64_t items) { return ++calls, tokens.at(static_cast<std::size_t>(items)); };
    const std::int64_t guess = choices.between(0, 2 * size);
    const std::int64_t found = largest_that_fits(0, size, guess, budget, 0, count);
    const auto above = std::upper_bound(tokens.begin(), tokens.end(), budget);
    EXPECT_EQ(found, above - tokens.begin() - 1) << "round " << round;
    EXPECT_LE(calls, 24);
  }
}

TEST(Cells, DepthsAreSpreadOverACellAndOverEachDocument) {
  TaskRequest request;
  const auto even = depths_by_document(request, 50, 10);
  ASSERT_EQ(even.size(), 5u);
  std::vector<double> all;
  for (const auto& document : even) {
    EXPECT_EQ(document.size(), 10u);
    EXPECT_LT(document.front(), 0.1);
    EXPECT_GT(document.back(), 0.9);
    all.insert(all.end(), document.begin(), document.end());
  }
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_DOUBLE_EQ(all[i], static_cast<double>(i) / 49.0);
  EXPECT_EQ(depths_by_document(request, 1, 1), (std::vector<std::vector<double>>{{0.5}}));

  request.depths = {0, 0.25, 0.5, 0.75, 1};
  std::map<double, int> counts;
  for (const auto& document : depths_by_document(request, 50, 10)) {
    EXPECT_EQ(std::set<double>(document.begin(), document.end()).size(), 5u);
    for (const double depth : document) ++counts[depth];
  }
  for (const auto& [depth, count] : counts) EXPECT_EQ(count, 10) << depth;
}

TEST(Cells, LengthsCountOnce) {
  TaskRequest request;
  EXPECT_EQ(lengths_of(request), (std::vector<std::int64_t>{4096, 8192, 16384, 32768}));
  request.lengths = {512, 256, 512};
  EXPECT_EQ(lengths_of(request), (std::vector<std::int64_t>{512, 256}));
}

TEST(Cells, QuestionsOfADocument) {
  TaskRequest request;
  EXPECT_EQ(questions_of_document(request, "lines", 5, 10), 1);
  EXPECT_EQ(questions_of_document(request, "lines", 20, 10), 4);
  EXPECT_EQ(questions_of_document(request, "lines", 500, 10), 10);
  request.settings["lines.questions"] = "7";
  EXPECT_EQ(questions_of_document(request, "lines", 5, 10), 5);
  EXPECT_EQ(questions_of_document(request, "lines", 9, 10), 7);
  request.settings["lines.questions"] = "0";
  EXPECT_THROW(questions_of_document(request, "lines", 9, 10), UserError);
}

TEST(RandomTexts, TheSharesOfKeysHaveNothingInCommon) {
  Choices choices(3, "keys");
  std::set<std::string> measuring;
  for (int i = 0; i < 50'000; ++i) measuring.insert(random_key(choices));
  for (int i = 0; i < 50'000; ++i) ASSERT_FALSE(measuring.contains(random_key(choices, KeyShare::kTraining)));
  EXPECT_GT(measuring.size(), 40'000u);
}

TEST(RandomTexts, HaveTheirForms) {
  Choices choices(3, "forms");
  for (int i = 0; i < 200; ++i) {
    EXPECT_THAT(random_number(choices, 7), testing::MatchesRegex("[1-9][0-9][0-9][0-9][0-9][0-9][0-9]"));
    const std::string uuid = random_uuid(choices);
    EXPECT_EQ(uuid.size(), 36u);
    EXPECT_THAT(uuid, testing::MatchesRegex("[0-9a-f]+-[0-9a-f]+-4[0-9a-f]+-[89ab][0-9a-f]+-[0-9a-f]+"));
    EXPECT_THAT(random_letters(choices, 5, 'A'), testing::MatchesRegex("[A-Z][A-Z][A-Z][A-Z][A-Z]"));
  }
}

TEST(RandomTexts, NothingIsSaidTwiceAndTheEndIsAnError) {
  Choices choices(3, "unseen");
  Unseen unseen;
  std::set<std::string> said;
  for (int i = 0; i < 9; ++i) said.insert(unseen.next([&] { return random_number(choices, 1); }));
  EXPECT_EQ(said.size(), 9u);
  EXPECT_THROW(unseen.next([&] { return random_number(choices, 1); }), UserError);
}

TEST(Words, NoneTwice) {
  for (const auto* list :
       {&nouns(), &adjectives(), &verbs(), &plain_words(), &given_names(), &family_names(), &towns()}) {
    EXPECT_EQ(std::set<std::string>(list->begin(), list->end()).size(), list->size());
    EXPECT_FALSE(std::count(list->begin(), list->end(), ""));
  }
  EXPECT_GT(plain_words().size(), 1900u);
}

}  // namespace
}  // namespace tome::eval
