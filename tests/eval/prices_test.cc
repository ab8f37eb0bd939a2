#include "eval/answerers/prices.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "eval/api_server.h"

namespace tome::eval {
namespace {

using testing::HasSubstr;

Price price_of(const std::string& file, const std::string& model) {
  const TestFolder folder;
  return Prices(folder.write("prices.json", file)).of(model);
}

TEST(Prices, LongestPatternWins) {
  const std::string file =
      R"({"*": {"input": 1, "output": 1}, "gpt-*": {"input": 2, "output": 2.5}, "gpt-*-mini*": {"input": 3, "output": 0}})";
  EXPECT_EQ(price_of(file, "gemma").input, 1);
  EXPECT_EQ(price_of(file, "gpt-9").output, 2.5);
  EXPECT_EQ(price_of(file, "gpt-9-mini-2031").input, 3);
}

TEST(Prices, PatternsMatchTheWholeName) {
  const std::string file = R"({"a*b*c": {"input": 1, "output": 1}})";
  for (const char* name : {"abc", "aXbXc", "abcbc", "a*b*c"}) EXPECT_EQ(price_of(file, name).input, 1) << name;
  for (const char* name : {"", "ab", "abcd", "xabc", "acb"}) {
    EXPECT_THAT(user_error_of([&] { price_of(file, name); }), HasSubstr("no price for")) << name;
  }
  const std::string stars(2000, '*');
  EXPECT_NE(
      user_error_of([&] { price_of(R"({")" + stars + R"(b": {"input": 1, "output": 1}})", std::string(5000, 'a')); }),
      "");
}

TEST(Prices, WrongFiles) {
  for (const char* file :
       {"", "[]", "{}", R"({"a": 1})", R"({"a": {"input": 1}})", R"({"a": {"input": -1, "output": 1}})",
        R"({"a": {"input": "1", "output": 1}})", R"({"a": {"input": 1e9, "output": 1}})"}) {
    EXPECT_THAT(user_error_of([&] { price_of(file, "a"); }), HasSubstr("prices.json")) << file;
  }
  EXPECT_THAT(user_error_of([] { Prices("/nowhere/prices.json"); }), HasSubstr("/nowhere/prices.json"));
}

TEST(Prices, EstimateCountsADocumentOnceForEachOfItsQuestions) {
  EvalSet set;
  set.documents = {{std::string(1000, 'x'), 0}, {std::string(500, 'y'), 0}};
  for (std::size_t i = 0; i < 3; ++i) {
    EvalSample sample;
    sample.document = i / 2;
    sample.question = std::string(100, 'q');
    set.samples.push_back(sample);
  }
  int counted = 0;
  const std::vector<std::size_t> wanted = {0, 1, 2};
  const CostEstimate estimate = estimate_cost(set, wanted, ApiKind::kOpenai, {},
                                              [&](std::string_view text) {
                                                counted += text.size() >= 500 ? 1 : 0;
                                                return static_cast<std::int64_t>(text.size());
                                              },
                                              {2, 10});
  EXPECT_EQ(counted, 2);
  EXPECT_NEAR(static_cast<double>(estimate.prompt_tokens), 2 * 1000 + 500 + 3 * 100, 3 * 10);
  EXPECT_EQ(estimate.answer_tokens, 3 * 64);
  EXPECT_DOUBLE_EQ(estimate.dollars, static_cast<double>(estimate.prompt_tokens) * 2e-6 + 192 * 1e-5);
}

}  // namespace
}  // namespace tome::eval
