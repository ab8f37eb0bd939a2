// Whether the accepted texts stand in an answer: RULER's and NoLiMa's scores.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tome::eval {

/// NVIDIA/RULER's scripts/eval (commit c3f5e3b): control characters of the answer become line ends, case does not
/// count. The part of the references that the answer contains (niah, vt, cwe, fwe).
double ruler_match_all(std::string_view prediction, const std::vector<std::string>& references);
/// 1 when it contains any of them (qa).
double ruler_match_part(std::string_view prediction, const std::vector<std::string>& references);

/// adobe-research/NoLiMa's evaluation/async_evaluate.py (commit 7532e4e); case counts.
enum class NolimaMetric { kContains, kExact, kLastLineContains, kLastLineExact };
double nolima_score(NolimaMetric metric, std::string_view prediction, const std::vector<std::string>& references);

}  // namespace tome::eval
