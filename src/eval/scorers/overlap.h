// Words in common: token F1 and exact match as SQuAD 1.1's evaluate-v1.1.py and LongBench's metrics.py count them.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "eval/scorers/words.h"

namespace tome::eval {

/// F1 of two bags of tokens; 0 when nothing is in common, also for two empty ones.
double overlap_f1(const Words& prediction, const Words& reference);

/// F1 of the words after normalize_answer.
double token_f1(std::string_view prediction, std::string_view reference);

/// F1 of single characters after normalize_chinese (InfiniteBench's qa_f1_score_zh).
double character_f1(std::string_view prediction, std::string_view reference);

/// 1 when both are the same after normalize_answer, else 0.
double exact_match(std::string_view prediction, std::string_view reference);

/// The greatest score over the references, at least 0.
template <typename Score>
double best_over(const std::vector<std::string>& references, const Score& score) {
  double best = 0;
  for (const std::string& reference : references) best = std::max(best, double{score(reference)});
  return best;
}

}  // namespace tome::eval
