// tome eval: how much of its window a model uses.
#include "cli/eval_flags.h"

#include <algorithm>
#include <iostream>
#include <optional>

#include "base/error.h"
#include "base/resources.h"
#include "cli/commands.h"
#include "cli/eval_views.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "eval/answerers/answers_file.h"
#include "eval/answerers/local_answerer.h"
#include "eval/fit.h"
#include "eval/report.h"
#include "eval/run_folder.h"
#include "eval/sample_json.h"
#include "read/session.h"

namespace tome::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string hex(std::uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

// Everything that decides the samples.
json request_json(const eval::TaskRequest& request, const EvalFlags& flags, const Tokenizer& tokenizer,
                  std::int64_t frame) {
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
          {"frame_tokens", frame},
          {"tokenizer", hex(tokenizer.fingerprint())}};
}

json describe(const OpenModel& open, const EvalFlags& flags, const Layout& layout) {
  const std::string model = fs::path(flags.model.model).stem().string();
  const std::string adapter = fs::path(flags.model.adapter).filename().string();
  const ModelConfig& config = open.model->config();
  return {{"name", adapter.empty() ? model : cat(model, " + ", adapter)},
          {"kind", "local"},
          {"model", model},
          {"model_hash", hex(open.model->fingerprint())},
          {"adapter", adapter.empty() ? json() : json(adapter)},
          {"adapter_hash", adapter.empty() ? json() : json(hex(open.adapter_fingerprint()))},
          {"window", config.context_length},
          {"rope_scaling", to_string(config.rope_scaling)},
          {"layout", layout.name},
          {"kv", flags.model.kv},
          {"exact", flags.model.exact}};
}

class Evaluation {
 public:
  explicit Evaluation(EvalFlags& flags) : flags_(flags), folder_(flags.out) {
    if (flags.answers.empty()) open_model_here();
    if (!tokenizer_) open_tokenizer_alone();
    make_samples();
    make_answerer();
    folder_.set_answerer(answerer_->description());
  }

  /// True when every sample of every view has an answer, was left out as too long, or failed.
  bool ask() {
    views_ = plan_views(flags_, set_, *tokenizer_);
    for (PlannedView& view : views_) {
      if (stop_requested()) return false;
      ask_view(view);
    }
    return !stop_requested();
  }

  void report() {
    std::vector<eval::View> views;
    for (const PlannedView& view : views_) views.push_back({view.name, view.label, folder_.answers(view.name)});
    eval::write_reports(folder_, set_, views);
    std::cout << eval::summary(folder_, set_, views);
    finish_stdout();
  }

 private:
  void open_model_here() {
    open_.emplace(open_model(flags_.model));
    tokenizer_ = open_->tokenizer.get();
    threads_.emplace(flags_.model.thread_count());
    layout_ = &choose_layout(*open_, flags_.model, flags_.layout);
    eval::LocalAnswerer::Options options;
    options.session.exact = flags_.model.exact;
    options.session.kv = flags_.model.kv_type();
    options.session.adapters = open_->adapters();
    options.session.adapter_fingerprint = open_->adapter_fingerprint();
    options.folder = folder_.path() / "reading";
    options.layout = layout_;
    options.description = describe(*open_, flags_, *layout_);
    auto local = std::make_unique<eval::LocalAnswerer>(*open_->model, *tokenizer_, *threads_, std::move(options));
    frame_ = local->frame_tokens();
    answerer_ = std::move(local);
  }

  void open_tokenizer_alone() {
    const std::string& name = flags_.tokenizer.empty() ? flags_.model.model : flags_.tokenizer;
    lone_tokenizer_ = open_tokenizer(find_model(name));
    tokenizer_ = lone_tokenizer_.tokenizer.get();
  }

  void make_answerer() {
    if (!flags_.answers.empty()) answerer_ = std::make_unique<eval::AnswersFile>(flags_.answers);
  }

  void make_samples() {
    if (!flags_.samples_from.empty()) {
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
    request.frame_tokens = frame_;
    request.count_tokens = [this](std::string_view text) {
      return static_cast<std::int64_t>(tokenizer_->encode(text).ids.size());
    };
    const json asked = request_json(request, flags_, *tokenizer_, frame_);
    if (auto before = folder_.load(asked)) {
      set_ = std::move(*before);
      return;
    }
    for (const std::string& name : flags_.tasks) eval::append(set_, eval::find_task(name).make(request));
    if (set_.samples.empty()) throw_user_error("--tasks: no samples came of it; see --samples and --lengths");
    folder_.save(set_, asked);
    for (const std::string& note : set_.notes) note_line("note: " + note);
  }

  void ask_view(PlannedView& view) {
    eval::Answers answers = folder_.answers(view.name);
    std::erase_if(answers, [](const auto& entry) { return !entry.second.error.empty(); });  // tried again
    const std::int64_t window = open_ ? open_->model->config().context_length : 0;
    std::vector<std::size_t> skipped;
    if (window > 0) {
      eval::Fitted fitted =
          eval::fit_samples(std::move(view.set), *tokenizer_, window, frame_, eval::too_long(flags_.too_long));
      view.set = std::move(fitted.set);
      skipped = std::move(fitted.skipped);
    }
    const auto file = folder_.append_answers(view.name, answers);
    const auto keep = [&](std::size_t index, const eval::EvalAnswer& answer) {
      file->add(eval::json_line(eval::to_json(view.set.samples[index].id, answer)));
    };
    std::vector<std::size_t> wanted;
    for (const std::size_t index : view.asked) {
      if (answers.contains(view.set.samples[index].id)) continue;
      if (std::binary_search(skipped.begin(), skipped.end(), index)) {
        eval::EvalAnswer answer;
        answer.finish_reason = "skipped";
        keep(index, answer);
      } else {
        wanted.push_back(index);
      }
    }
    if (wanted.empty()) return;
    ProgressLine line(flags_.model.quiet);
    const auto show = [&](const eval::AnswerProgress& p) {
      sample_private_peak();
      line.show(cat(view.name, ": ", p.samples_done, " of ", p.samples, " answered"),
                static_cast<double>(p.samples_done) + p.part, static_cast<double>(p.samples), p.tokens);
    };
    answerer_->answer(view.set, wanted, keep, show, stop_requested());
  }

  void note_line(const std::string& text) const {
    if (!flags_.model.quiet) std::cerr << one_line(text) << '\n';
  }

  EvalFlags& flags_;
  eval::RunFolder folder_;
  std::optional<OpenModel> open_;
  OpenTokenizer lone_tokenizer_;
  const Tokenizer* tokenizer_ = nullptr;
  std::optional<Threads> threads_;
  const Layout* layout_ = nullptr;
  std::int64_t frame_ = 0;
  std::unique_ptr<eval::Answerer> answerer_;
  eval::EvalSet set_;
  std::vector<PlannedView> views_;
};

void list_tasks() {
  for (const eval::Task& task : eval::tasks()) {
    std::cout << task.name << "  " << task.summary << '\n';
    if (!task.data.empty()) std::cout << "    data: " << task.data << '\n';
  }
  finish_stdout();
}

void run(EvalFlags& flags) {
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
      "  tome eval -m smollm2 --samples-from run --out run-smollm2\n  tome eval compare run run-smollm2\n\n"
      "docs/tasks.md describes the tasks, docs/answerers.md who can answer.");
  flags->add_to(*command);
  add_eval_compare(*command);
  command->callback([command, flags] {
    if (command->get_subcommands().empty()) run(*flags);
  });
}

}  // namespace tome::cli
