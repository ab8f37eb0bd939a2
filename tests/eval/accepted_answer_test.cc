#include "eval/scorers/accepted_answer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tome::eval {
namespace {

// tests/eval/question_sets_test.py asks eval_sets/check.py the same.
TEST(AcceptedAnswer, GivesTheVerdictsOfTheSharedList) {
  std::ifstream file(TOME_GOLDEN_DIR "/accepted_answers.json");
  const nlohmann::json rows = nlohmann::json::parse(file);
  ASSERT_GT(rows.size(), 40u);
  for (const auto& row : rows) {
    const auto answers = row["answers"].get<std::vector<std::string>>();
    EXPECT_EQ(is_accepted(row["output"].get<std::string>(), answers), row["accepted"].get<bool>()) << row;
  }
}

TEST(AcceptedAnswer, FoldsCaseQuotesEmphasisAndWhiteSpace) {
  EXPECT_EQ(fold_answer("  The \xE2\x80\x9C_Blue_\xE2\x80\x9D\r\n\tHeron\xE2\x80\x99s "), "the \"blue\" heron's");
  EXPECT_EQ(fold_answer("_ _"), "");
}

TEST(AcceptedAnswer, TakesAnyBytes) {
  EXPECT_EQ(fold_answer("a\xFF"), "a\xEF\xBF\xBD");
  EXPECT_TRUE(contains_answer("\xFFVarnell\xC3", "varnell"));
}

TEST(AcceptedAnswer, NothingStandsNowhere) {
  EXPECT_FALSE(contains_answer("text", ""));
  EXPECT_FALSE(contains_answer("", ""));
  EXPECT_FALSE(contains_answer("a _ b", "_"));
}

}  // namespace
}  // namespace tome::eval
