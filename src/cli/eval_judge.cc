#include "cli/eval_judge.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "cli/eval_service.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "eval/task.h"

namespace tome::cli {
namespace {

const ServiceName& checked(const JudgeFlags& flags) {
  if (flags.who.model.empty()) throw_user_error("--judge: needs --judge-model, the name that its service knows it by");
  for (const std::string& task : flags.tasks) eval::find_task(task);
  return flags.who;
}

}  // namespace

EvalJudge::EvalJudge(const EvalFlags& flags, eval::RunFolder& folder, const eval::EvalSet& set)
    : flags_(flags),
      folder_(folder),
      set_(set),
      service_(service_options(flags, checked(flags.judge), folder.path(), [&folder] { return spent_in(folder); })),
      judge_(service_) {
  const auto& tasks = flags.judge.tasks;
  if (std::none_of(set.samples.begin(), set.samples.end(),
                   [&](const eval::EvalSample& sample) { return eval::wants_judge(sample, tasks); })) {
    throw_user_error("--judge: none of the run's tasks wants a judge; name them with --judge-tasks");
  }
  folder.set_judge(judge_.description());
}

void EvalJudge::add_cost(eval::CostEstimate& all, const PlannedView& view, const std::vector<std::size_t>& wanted,
                         const eval::TokenCount& count) const {
  if (!service_.price) return;
  eval::EvalSet questions = eval::Judging(folder_, set_, view.name, flags_.judge.tasks).questions();
  for (const std::size_t index : wanted) {
    const eval::EvalSample& sample = set_.samples[index];
    if (!eval::wants_judge(sample, flags_.judge.tasks)) continue;
    questions.samples.push_back(eval::judge_question(sample, view.name, sample.answers.front()));
  }
  std::vector<std::size_t> asked(questions.samples.size());
  std::iota(asked.begin(), asked.end(), std::size_t{0});
  all += eval::estimate_cost(questions, asked, service_.kind, service_.prompt, count, *service_.price);
}

void EvalJudge::judge(std::string_view view) {
  eval::Judging judging(folder_, set_, view, flags_.judge.tasks);
  ProgressLine line(flags_.model.quiet);
  judging.ask(
      judge_,
      [&](const eval::AnswerProgress& p) {
        line.show(cat(view, ": ", p.samples_done, " of ", p.samples, " judged"), static_cast<double>(p.samples_done),
                  static_cast<double>(p.samples), 0);
      },
      stop_requested());
}

}  // namespace tome::cli
