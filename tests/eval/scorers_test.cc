// The scorers against tests/golden/scores.json, which the packages of the originals and their rules gave.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "eval/scorers/chinese_words.h"
#include "eval/scorers/edit_similarity.h"
#include "eval/scorers/infinitebench.h"
#include "eval/scorers/longbench.h"
#include "eval/scorers/matches.h"
#include "eval/scorers/overlap.h"
#include "eval/scorers/rouge.h"

namespace tome::eval {
namespace {

using Json = nlohmann::json;

constexpr double kBound = 1e-9;

Json goldens() { return Json::parse(std::ifstream(std::filesystem::path(TOME_GOLDEN_DIR) / "scores.json")); }

bool needs_jieba(const std::string& metric) { return metric.ends_with("qa_zh") || metric.ends_with("rouge_zh"); }

double longbench(const Json& row, std::string name, ChineseWords& chinese) {
  static const std::map<std::string, LongBenchMetric> kMetrics = {
      {"qa", LongBenchMetric::kQaF1},
      {"qa_zh", LongBenchMetric::kQaF1Chinese},
      {"rouge", LongBenchMetric::kRouge},
      {"rouge_zh", LongBenchMetric::kRougeChinese},
      {"classification", LongBenchMetric::kClassification},
      {"retrieval", LongBenchMetric::kRetrieval},
      {"retrieval_zh", LongBenchMetric::kRetrievalChinese},
      {"count", LongBenchMetric::kCount},
      {"code_sim", LongBenchMetric::kCodeSimilarity},
  };
  LongBenchRule rule;
  rule.first_line_only = name.starts_with("first-line/");
  rule.metric = kMetrics.at(name.substr(name.find('/') == std::string::npos ? 0 : name.find('/') + 1));
  const Json& extra = row.at("extra");
  return longbench_score(rule, row.at("prediction").get<std::string>(), row.at("references"),
                         extra.is_null() ? Words() : extra.get<Words>(), chinese);
}

double nolima(const std::string& prediction, const Words& references, const std::string& metric) {
  static const std::map<std::string, NolimaMetric> kMetrics = {{"contains", NolimaMetric::kContains},
                                                               {"exact", NolimaMetric::kExact},
                                                               {"lastline-contains", NolimaMetric::kLastLineContains},
                                                               {"lastline-exact", NolimaMetric::kLastLineExact}};
  return nolima_score(kMetrics.at(metric), prediction, references);
}

double score_of(const Json& row, ChineseWords& chinese) {
  const std::string metric = row.at("metric"), prediction = row.at("prediction");
  const Words references = row.at("references");
  const Json& extra = row.at("extra");
  const std::string rest = metric.substr(metric.find('/') + 1);
  if (metric.starts_with("longbench/")) return longbench(row, rest, chinese);
  if (metric.starts_with("infinitebench/")) return infinitebench_score(rest, prediction, extra);
  if (metric == "coco") return rouge_l_coco(prediction, references);
  if (metric == "longbench-v2") return longbench_v2_choice(prediction) == references.at(0).at(0) ? 1 : 0;
  if (metric == "ruler") {
    return extra == "all" ? ruler_match_all(prediction, references) : ruler_match_part(prediction, references);
  }
  if (metric == "nolima") return nolima(prediction, references, extra);
  const bool exact = metric == "exact";
  EXPECT_TRUE(exact || metric == "f1") << metric;
  return best_over(references, [&](const std::string& reference) {
    return exact ? exact_match(prediction, reference) : token_f1(prediction, reference);
  });
}

void compare(bool with_jieba, ChineseWords& chinese) {
  std::set<std::string> metrics;
  std::set<double> scores;
  for (const Json& row : goldens()) {
    if (needs_jieba(row.at("metric")) != with_jieba) continue;
    const double expected = row.at("score");
    EXPECT_NEAR(score_of(row, chinese), expected, kBound) << row.dump().substr(0, 400);
    metrics.insert(row.at("metric"));
    scores.insert(expected);
  }
  EXPECT_GE(metrics.size(), with_jieba ? 2U : 26U);
  EXPECT_GE(scores.size(), 20U);
}

TEST(Scorers, GiveWhatTheOriginalsGive) {
  ChineseWords never_started(std::vector<std::filesystem::path>{});
  compare(false, never_started);
}

TEST(Scorers, GiveWhatTheOriginalsGiveInChinese) {
  ChineseWords chinese;
  try {
    EXPECT_EQ(chinese.split("我来到北京清华大学"), (Words{"我", "来到", "北京", "清华大学"}));
  } catch (const UserError& error) {
    GTEST_SKIP() << error.what();
  }
  compare(true, chinese);
  EXPECT_EQ(chinese.split(""), Words());
  EXPECT_EQ(chinese.split("a\nb\xff"), (Words{"a", "\n", "b", "\uFFFD"}));
  std::string book;
  for (int i = 0; i < 20'000; ++i) book += "好的，";
  EXPECT_EQ(chinese.split(book).size(), 60'000U);
}

void expect_split_error(ChineseWords chinese, const std::string& word) {
  try {
    chinese.split("好");
    ADD_FAILURE() << "no error";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
  }
}

TEST(Scorers, WithoutJiebaTheErrorNamesThePackage) {
  expect_split_error(ChineseWords({"", "/nowhere/python3"}), "install the package python3-jieba");
  expect_split_error(ChineseWords({"/bin/true"}), "gave no answer");  // ends at once
}

TEST(Scorers, AnAnswerTooLongForRougeIsRefused) {
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "w ";
  EXPECT_EQ(rouge_l_package(many, many), 0);  // its walk is longer than Python's recursion
  EXPECT_THROW(rouge_l_sum(many, many), UserError);
}

TEST(Scorers, FuzzRatioRoundsHalfToEven) {
  // 2 * 1 / 16 = 12.5 %, 2 * 3 / 16 = 37.5 %
  EXPECT_EQ(fuzz_ratio("a1234567", "a7654321"), 25);
  EXPECT_EQ(fuzz_ratio("abcdefgh", "aijklmno"), 12);
  EXPECT_EQ(fuzz_ratio("abcdefgh", "abcjklmn"), 38);
}

TEST(Scorers, LongBenchParagraphNumbers) {
  EXPECT_EQ(paragraph_number("Paragraph 12", LongBenchMetric::kRetrieval), "12");
  EXPECT_EQ(paragraph_number("段落3", LongBenchMetric::kRetrievalChinese), "3");
  EXPECT_EQ(paragraph_number("Paragraph x", LongBenchMetric::kRetrieval), "");
}

}  // namespace
}  // namespace tome::eval
