// tome eval --judge: another model says which answers mean the same as the accepted ones.
#pragma once

#include <string_view>
#include <vector>

#include "cli/eval_flags.h"
#include "cli/eval_views.h"
#include "eval/answerers/api_answerer.h"
#include "eval/judge.h"

namespace tome::cli {

class EvalJudge {
 public:
  /// All are borrowed; `folder` notes who judges. Throws UserError for flags that do not do, and another judge's
  /// folder.
  EvalJudge(const EvalFlags& flags, eval::RunFolder& folder, const eval::EvalSet& set);

  /// Adds the cost of judging the view's answers: those that are there, and those of the samples `wanted`, which count
  /// as long as the accepted ones.
  void add_cost(eval::CostEstimate& all, const PlannedView& view, const std::vector<std::size_t>& wanted,
                const eval::TokenCount& count) const;
  /// Asks about each answer of the view that has no verdict yet.
  void judge(std::string_view view);

 private:
  const EvalFlags& flags_;
  const eval::RunFolder& folder_;
  const eval::EvalSet& set_;
  eval::ApiOptions service_;
  eval::ApiAnswerer judge_;
};

}  // namespace tome::cli
