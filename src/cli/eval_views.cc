#include "cli/eval_views.h"

#include <utility>

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

eval::EvalSet without_documents(const eval::EvalSet& set) {
  eval::EvalSet out;
  out.documents.emplace_back();
  out.samples = set.samples;
  for (eval::EvalSample& sample : out.samples) sample.document = 0;
  return out;
}

}  // namespace

std::vector<PlannedView> plan_views(const EvalFlags& flags, const eval::EvalSet& set, const Tokenizer& tokenizer) {
  (void)tokenizer;
  const auto compared = [&](bool asked) {
    return samples_where(
        set, [&](const eval::EvalSample& sample) { return asked || eval::find_task(sample.task).always_compare; });
  };
  std::vector<PlannedView> views;
  const auto add = [&](std::string_view name, eval::EvalSet shown, std::vector<std::size_t> asked) {
    if (asked.empty()) return;
    views.push_back({std::string(name), eval::view_label(name), std::move(shown), std::move(asked)});
  };
  add(eval::kNoDocumentView, without_documents(set), compared(flags.no_document));
  add(eval::kWholeView, set, samples_where(set, [](const eval::EvalSample&) { return true; }));
  return views;
}

}  // namespace tome::cli
