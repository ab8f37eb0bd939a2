#include "cli/eval_views.h"

#include <algorithm>

#include "eval/retrieval.h"
#include "eval/task.h"
#include "eval/view_name.h"

namespace tome::cli {
namespace {

std::vector<std::size_t> samples_where(const eval::EvalSet& set, const auto& wanted) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < set.samples.size(); ++i) {
    if (wanted(set.samples[i])) indices.push_back(i);
  }
  return indices;
}

}  // namespace

std::vector<PlannedView> plan_views(const EvalFlags& flags, const eval::EvalSet& set, const Tokenizer& tokenizer) {
  const auto compared = [&](bool asked) {
    return samples_where(
        set, [&](const eval::EvalSample& sample) { return asked || eval::find_task(sample.task).always_compare; });
  };
  std::vector<PlannedView> views;
  const auto add = [&](std::string name, eval::EvalSet shown, std::vector<std::size_t> asked) {
    if (asked.empty()) return;
    std::string label = eval::view_label(name);
    views.push_back({std::move(name), std::move(label), std::move(shown), std::move(asked)});
  };
  add(std::string(eval::kWholeView), set, samples_where(set, [](const eval::EvalSample&) { return true; }));
  (void)tokenizer;
  return views;
}

}  // namespace tome::cli
