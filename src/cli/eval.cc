// tome eval: how much of its window a model uses.
#include "cli/eval_flags.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/resources.h"
#include "cli/commands.h"
#include "cli/eval_answerer.h"
#include "cli/eval_judge.h"
#include "cli/eval_positions.h"
#include "cli/eval_service.h"
#include "cli/eval_views.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "eval/fit.h"
#include "eval/report.h"
#include "eval/run_folder.h"
#include "eval/sample_json.h"
#include "read/session.h"

namespace tome::cli {
namespace {

using nlohmann::json;

// Everything that decides the samples.
json request_json(const eval::TaskRequest& request, const EvalFlags& flags, const EvalAnswerer& who) {
  json data = json::object();
  for (const auto& [name, path] : request.data) data[name] = path.string();
  return {{"tasks", flags.tasks},
          {"lengths", request.lengths},
          {"depths", request.depths},
          {"samples", request.samples},
          {"seed", request.seed},
          {"shots", request.shots},
          {"data", data},
          {"settings", request.settings},
          {"frame_tokens", who.frame_tokens()},
          {"tokenizer", cat(who.tokenizer().fingerprint())}};
}

constexpr const char* kPositions = "ppl";  // the task that asks nothing

class Evaluation {
 public:
  explicit Evaluation(const EvalFlags& flags)
      : flags_(flags), folder_(flags.out), who_(flags, folder_.path(), [this] { return spent_in(folder_); }) {
    make_samples();
    folder_.set_answerer(who_.answerer().description());
    if (flags.judge.on) judge_.emplace(flags_, folder_, set_);
    views_ = plan_views(flags_, set_, who_.tokenizer(), folder_);
    for (PlannedView& view : views_) wanted_.push_back(plan_questions(view));
  }

  /// Until every sample of every view has an answer, or the user stops it.
  void ask() {
    agree_on_cost(flags_, cost());
    try {
      for (std::size_t i = 0; i < views_.size() && !stop_requested(); ++i) ask_view(views_[i], wanted_[i]);
      for (std::size_t i = 0; judge_ && i < views_.size() && !stop_requested(); ++i) judge_->judge(views_[i].name);
    } catch (const UserError&) {  // the limit of costs, a key refused: what is paid for is shown
      report();
      throw;
    }
    if (asks_positions()) positions_ = measure_positions(flags_, folder_, who_.local());
  }

  void report() {
    std::vector<eval::View> views;
    for (const PlannedView& view : views_) {
      views.push_back({view.name, view.label, folder_.answers(view.name), eval::read_verdicts(folder_, view.name)});
    }
    const eval::RunReport report{folder_, set_, views, positions_};
    eval::write_reports(report);
    std::cout << eval::summary(report);
    finish_stdout();
  }

 private:
  void make_samples() {
    if (!flags_.samples_from.empty()) {
      refuse_other_samples();
      const eval::RunFolder other = eval::RunFolder::open(flags_.samples_from);
      const json request = other.run().at("request");
      if (auto before = folder_.load(request)) {
        set_ = std::move(*before);
      } else {
        set_ = other.load();
        folder_.save(set_, request);
      }
      return;
    }
    if (flags_.tasks.empty()) throw_user_error("--tasks: needs the names of tasks; tome eval --list shows them");
    eval::TaskRequest request = flags_.request();
    request.frame_tokens = who_.frame_tokens();
    request.count_tokens = who_.count();
    const json asked = request_json(request, flags_, who_);
    if (auto before = folder_.load(asked)) {
      set_ = std::move(*before);
      return;
    }
    for (auto name = flags_.tasks.begin(); name != flags_.tasks.end(); ++name) {
      if (std::find(flags_.tasks.begin(), name, *name) != name) throw_user_error("--tasks: has ", *name, " twice");
      if (*name != kPositions) eval::append(set_, eval::find_task(*name).make(request));
    }
    if (asks_positions()) request.sought->emplace("books");  // later: measure_positions
    eval::refuse_unsought(request);
    if (set_.samples.empty() && !asks_positions()) {
      throw_user_error("--tasks: no samples came of it; see --samples and --lengths");
    }
    folder_.save(set_, asked);
    for (const std::string& note : set_.notes) note_line("note: " + note);
  }

  // With --samples-from the samples are made already; ppl alone has flags of its own beside it.
  void refuse_other_samples() const {
    const bool positions = asks_positions();
    const auto refuse = [](const char* flag, bool given) {
      if (given) {
        throw_user_error(flag, ": with --samples-from the samples are those of the other run; leave it out, or make ",
                         "samples of your own");
      }
    };
    refuse("--tasks", flags_.tasks.size() > (positions ? 1 : 0));
    refuse("--lengths", !positions && !flags_.lengths.empty());
    refuse("--depths", !flags_.depths.empty());
    refuse("--samples", !positions && flags_.samples > 0);
    refuse("--shots", flags_.shots > 0);
    refuse("--seed", flags_.seed != EvalFlags().seed);
    refuse("--set", !flags_.settings.empty());
    refuse("--data", !positions && !flags_.data.empty());
  }

  // What the window holds of the view's samples, and which of them still have no answer.
  std::vector<std::size_t> plan_questions(PlannedView& view) {
    std::vector<std::size_t> skipped;
    if (who_.window() > 0) {
      eval::Fitted fitted = eval::fit_samples(std::move(view.set), who_.tokenizer(), who_.window(), who_.frame_tokens(),
                                              eval::too_long(flags_.too_long));
      view.set = std::move(fitted.set);
      skipped = std::move(fitted.skipped);
    }
    eval::Answers answers = folder_.answers(view.name);
    std::erase_if(answers, [](const auto& entry) { return !entry.second.error.empty(); });  // tried again
    std::vector<std::size_t> wanted;
    for (const std::size_t index : view.asked) {
      const std::string& id = view.set.samples[index].id;
      if (answers.contains(id)) continue;
      if (std::binary_search(skipped.begin(), skipped.end(), index)) {
        answers[id].finish_reason = "skipped";
      } else {
        wanted.push_back(index);
      }
    }
    files_.push_back(folder_.append_answers(view.name, answers));
    return wanted;
  }

  void ask_view(const PlannedView& view, const std::vector<std::size_t>& wanted) {
    if (wanted.empty()) return;
    JsonLines& file = *files_[static_cast<std::size_t>(&view - views_.data())];
    ProgressLine line(flags_.model.quiet);
    who_.answerer().answer(
        view.set, wanted,
        [&](std::size_t index, const eval::EvalAnswer& answer) {
          file.add(eval::json_line(eval::to_json(view.set.samples[index].id, answer)));
        },
        [&](const eval::AnswerProgress& p) {
          sample_private_peak();
          line.show(cat(view.name, ": ", p.samples_done, " of ", p.samples, " answered"),
                    static_cast<double>(p.samples_done) + p.part, static_cast<double>(p.samples), p.tokens);
        },
        stop_requested());
  }

  eval::CostEstimate cost() const {
    eval::CostEstimate all;
    for (std::size_t i = 0; i < views_.size(); ++i) {
      who_.add_cost(all, views_[i], wanted_[i]);
      if (judge_) judge_->add_cost(all, views_[i], wanted_[i], who_.count());
    }
    return all;
  }

  bool asks_positions() const {
    return std::find(flags_.tasks.begin(), flags_.tasks.end(), kPositions) != flags_.tasks.end();
  }

  void note_line(const std::string& text) const {
    if (!flags_.model.quiet) std::cerr << one_line(text) << '\n';
  }

  const EvalFlags& flags_;
  eval::RunFolder folder_;
  EvalAnswerer who_;
  eval::EvalSet set_;
  std::optional<EvalJudge> judge_;
  std::vector<PlannedView> views_;
  std::vector<std::vector<std::size_t>> wanted_;  // of each view, the samples without an answer
  std::vector<eval::PositionLoss> positions_;
  std::vector<std::unique_ptr<JsonLines>> files_;  // of its answers
};

void list_tasks() {
  for (const eval::Task& task : eval::tasks()) {
    std::cout << task.name << "  " << task.summary << '\n';
    if (!task.data.empty()) std::cout << "    data: " << task.data << '\n';
  }
  std::cout << kPositions << "  perplexity against position over long texts\n    data: books=FILE or FOLDER\n";
  finish_stdout();
}

void run(const EvalFlags& flags) {
  if (flags.list) return list_tasks();
  if (flags.out.empty()) throw_user_error("--out: needs the folder of the run");
  catch_signals();
  Evaluation evaluation(flags);
  try {
    evaluation.ask();
  } catch (const Interrupted&) {  // the exit code tells of the signal; what is done is in the report
  }
  evaluation.report();
}

}  // namespace

void add_eval(CLI::App& app) {
  auto flags = std::make_shared<EvalFlags>();
  CLI::App* command = app.add_subcommand("eval", "how much of its window a model uses");
  command->footer(
      "examples:\n  tome eval --tasks lines,needle --lengths 4k,16k --out run\n"
      "  tome eval --tasks topics --judge --judge-model gpt-4.1-mini --out topics\n"
      "  tome eval -m smollm2 --samples-from run --out run-smollm2\n  tome eval compare run run-smollm2\n\n"
      "docs/tasks.md describes the tasks, docs/answerers.md who can answer.");
  flags->add_to(*command);
  add_eval_compare(*command);
  command->callback([command, flags] {
    if (command->get_subcommands().empty()) run(*flags);
  });
}

}  // namespace tome::cli
