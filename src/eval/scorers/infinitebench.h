// InfiniteBench's scores of one answer, as OpenBMB/InfiniteBench's src/compute_scores.py computes them (commit
// 88b3daa), for every model as for those other than "gpt4", whose first number of math_calc is left out there.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace tome::eval {

/// `part` is one of the twelve, as its file is named ("longbook_qa_eng"). `label` is what the published answer becomes
/// there: one text or a list of texts; a number for code_run and math_find; a list of numbers for math_calc; the right
/// option and its letter for code_debug and longbook_choice_eng.
double infinitebench_score(std::string_view part, std::string_view prediction, const nlohmann::json& label);

}  // namespace tome::eval
