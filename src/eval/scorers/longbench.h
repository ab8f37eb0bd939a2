// LongBench's scores of one answer, as THUDM/LongBench's LongBench/metrics.py and eval.py compute them (commit
// 2e00731), and the choice that LongBench v2's pred.py reads out of an answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "eval/scorers/chinese_words.h"

namespace tome::eval {

enum class LongBenchMetric {
  kQaF1,
  kQaF1Chinese,
  kRouge,
  kRougeChinese,
  kClassification,
  kRetrieval,
  kRetrievalChinese,
  kCount,
  kCodeSimilarity,
};

struct LongBenchRule {
  LongBenchMetric metric = LongBenchMetric::kQaF1;
  bool first_line_only = false;  // of the answer
};

/// The best over the accepted answers. `classes`: the data set's all_classes, for kClassification. `chinese` is asked
/// for the two Chinese metrics with words.
double longbench_score(const LongBenchRule& rule, std::string_view prediction, const std::vector<std::string>& answers,
                       const std::vector<std::string>& classes, ChineseWords& chinese);

/// The number of the paragraph that an answer of the retrieval sets names ("Paragraph 7"); empty: none.
std::string_view paragraph_number(std::string_view answer, LongBenchMetric metric);

/// 'A'..'D' of "The correct answer is (A)", else of "The correct answer is A", asterisks left out; '\0': neither.
char longbench_v2_choice(std::string_view answer);

}  // namespace tome::eval
