// tome train --data FILE --out FOLDER: trains a LoRA adapter for long input.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <iostream>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/number_text.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/interrupt.h"
#include "cli/machine.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/train_flags.h"
#include "cli/train_plan.h"
#include "cli/train_progress.h"
#include "cli/train_samples.h"
#include "cli/train_settings.h"
#include "text/layout.h"
#include "train/trainer.h"

namespace tome::cli {
namespace {

namespace fs = std::filesystem;

void report_data(const DataReport& r, std::string_view use) {
  std::cerr << use << grouped(r.rows) << " rows, " << grouped(r.examples) << " examples, " << grouped(r.tokens)
            << " tokens, " << grouped(r.targets) << " of them targets\n";
  if (r.bad_rows > 0) {
    std::cerr << grouped(r.bad_rows) << " malformed rows left out (--skip-bad):\n";
    for (const std::string& line : r.bad) std::cerr << "  " << one_line(line) << '\n';
  }
  if (r.cut_examples > 0) {
    std::cerr << grouped(r.cut_examples) << " examples lost " << grouped(r.cut_tokens)
              << " tokens of their documents' middles to the window\n";
  }
  if (r.dropped_exchanges > 0) std::cerr << grouped(r.dropped_exchanges) << " old exchanges dropped\n";
  for (const std::string& warning : r.warnings) std::cerr << "note: " << one_line(warning) << '\n';
}

// Now, before the data is read for minutes.
void make_out_folder(const fs::path& out) {
  std::error_code error;
  fs::create_directories(out, error);
  if (!error && !fs::is_directory(out)) error = std::make_error_code(std::errc::not_a_directory);
  if (!error && ::access(out.c_str(), W_OK | X_OK) != 0) error = {errno, std::generic_category()};
  if (error) {
    throw_user_error("--out ", out.string(), ": cannot be written to: ", error.message(), "; choose another folder");
  }
}

// The run writes into --out while it may have to read --adapter again.
void refuse_own_folder(const TrainFlags& flags) {
  const auto real_path = [](const char* flag, const std::string& path) {
    std::error_code error;
    fs::path real = fs::weakly_canonical(path, error);
    if (error) throw_user_error(flag, " ", path, ": ", error.message(), "; give another folder");
    return real;
  };
  const fs::path out = real_path("--out", flags.out), begin = real_path("--adapter", flags.begin);
  if (std::mismatch(out.begin(), out.end(), begin.begin(), begin.end()).first != out.end()) return;
  throw_user_error("--out ", flags.out, ": holds the adapter to go on with (--adapter ", flags.begin,
                   "), which would be overwritten; choose another folder");
}

// The window is stretched as the adapter to go on with was trained, unless flags want another or a longer one.
ModelFlags model_flags_of(const TrainFlags& flags, const AdapterUse& use) {
  ModelFlags model;
  model.model = flags.model;
  // PoSE trains positions of a window that no example fills.
  model.context = flags.pose.empty() ? flags.context : flags.pose;
  model.quiet = flags.quiet;
  const bool fits = model.context.empty() || use.window == 0 || parse_count("--context", model.context) <= use.window;
  model.rope_scaling = flags.rope_scaling.empty() && fits ? use.rope_scaling : flags.rope_scaling;
  return model;
}

void open_adapter(const TrainFlags& flags, const AdapterUse& use, OpenModel& open) {
  const ModelConfig& config = open.model->config();
  open.adapter = std::make_unique<Adapter>(load_adapter(flags.begin, config));
  open.use = use;
  if (flags.quiet) return;
  const std::string note = other_base_note(flags.begin, use, *open.model);
  if (!note.empty()) std::cerr << note << '\n';
  ModelConfig trained = open.own;
  if (!use.rope_scaling.empty()) stretch_context(trained, 0, use.rope_scaling);
  if (trained.rope_scaling == config.rope_scaling) return;
  std::cerr << "note: " << flags.begin << " was trained with RoPE scaling " << to_string(trained.rope_scaling)
            << " and goes on with " << to_string(config.rope_scaling) << '\n';
}

OpenModel open_for_training(const TrainFlags& flags) {
  const bool begun = !flags.begin.empty();
  const AdapterUse use = begun ? load_adapter_use(flags.begin).value_or(AdapterUse()) : AdapterUse();
  OpenModel open = open_model(model_flags_of(flags, use));
  if (begun) open_adapter(flags, use, open);
  return open;
}

const Layout& layout_of(const TrainFlags& flags, const OpenModel& open) {
  if (!flags.layout.empty()) return find_layout(flags.layout);
  return open.use.layout.empty() ? default_layout(*open.tokenizer) : layout_of_use(open.use, flags.begin);
}

void set_up(TrainFlags& flags, const OpenModel& open, const Layout& layout) {
  TrainerOptions& t = flags.trainer;
  const ModelConfig& config = open.model->config();
  t.out = flags.out;
  t.window = flags.context.empty() ? config.context_length : parse_count("--context", flags.context);
  t.pack = !flags.no_pack;
  t.schedule.kind = parse_schedule(flags.schedule);
  t.pass.spill_folder = t.out;
  t.pass.dropout.rate = static_cast<float>(flags.adapter.dropout);
  t.float32 = flags.dtype == "f32";
  t.adamw.eight_bit = flags.moments == "8bit";
  t.adamw.page_folder = t.out;
  if (!flags.pose.empty()) {
    t.pose.target_window = parse_count("--pose", flags.pose);
    t.pose.seed = t.seed;
  }
  t.use.base_model = flags.model;
  t.use.base_fingerprint = open.model->fingerprint();
  t.use.rope_scaling = rope_scaling_of_use(open.own, config);
  t.use.window = config.context_length;
  t.use.layout = layout.name;
}

// With --steps or by --epochs.
std::int64_t count_steps(const TrainFlags& flags, const TrainingSet& data) {
  const TrainerOptions& t = flags.trainer;
  std::int64_t steps = flags.steps;
  if (steps == 0) {
    const PassPlan plan = plan_passes(data, hold_out(data, t.held_out_rows, t.seed).training, t.window, t.pack);
    const double passes = flags.epochs * static_cast<double>(plan.size());
    steps = std::max<std::int64_t>(1, std::llround(passes / static_cast<double>(t.passes_per_step)));
  }
  if (t.schedule.warm_up_steps >= steps) {
    throw_user_error("--warm-up ", t.schedule.warm_up_steps, ": the whole run has ", steps,
                     steps == 1 ? " step" : " steps", "; give less, or more --steps or --epochs");
  }
  return steps;
}

/// The data of --data and --validation.
struct Data {
  TrainingSet training;
  std::optional<TrainingSet> validation;

  RunData use() const { return {training, validation ? &*validation : nullptr}; }
};

Data read_data(const TrainFlags& flags, const Tokenizer& tokenizer, const Layout& layout) {
  DataOptions options;
  options.encode = {flags.trainer.window, parse_train_on(flags.train_on)};
  options.skip_bad = flags.skip_bad;
  Data data{TrainingSet({flags.data.begin(), flags.data.end()}, tokenizer, layout, options), std::nullopt};
  if (!flags.quiet) report_data(data.training.report(), "");
  if (flags.validation.empty()) return data;
  data.validation.emplace(std::vector<fs::path>(flags.validation.begin(), flags.validation.end()), tokenizer, layout,
                          options);
  if (!flags.quiet) report_data(data.validation->report(), "validation: ");
  return data;
}

void run(TrainFlags& flags) {
  catch_signals();
  if (!flags.begin.empty()) refuse_own_folder(flags);
  if (!flags.dry_run) make_out_folder(flags.out);
  OpenModel open = open_for_training(flags);
  if (open.adapter) {
    flags.go_on_with(open.adapter->settings());
    open.adapter->set_dropout(flags.adapter.dropout);
    if (!flags.quiet) {
      std::cerr << "going on with " << flags.begin << ": rank " << flags.adapter.rank << ", alpha "
                << shortest(flags.adapter.alpha) << ", " << joined(matrix_names(flags.adapter)) << '\n';
    }
  }
  const Layout& layout = layout_of(flags, open);
  set_up(flags, open, layout);
  const Data data = read_data(flags, *open.tokenizer, layout);
  Threads threads(flags.threads > 0 ? flags.threads : usable_cores());
  TrainerOptions& options = flags.trainer;
  options.schedule.steps = count_steps(flags, data.training);
  options.peak_flops = measure_bf16(threads);
  const PlanModel shape = plan_model(*open.model);
  const TrainingPlanOptions planned = plan_training(flags, shape, open.adapter.get(), data.use(), threads.count());
  if (flags.dry_run) {
    const auto passes = static_cast<double>(options.schedule.steps * options.passes_per_step);
    print_training_plan(planned, shape, options, options.peak_flops, passes);
    return;
  }

  const auto settings_of_run = deciding_settings(flags, open, data.use(), layout, threads.count());
  Adapter adapter = open.adapter ? std::move(*open.adapter) : Adapter(*open.model, flags.adapter, flags.trainer.seed);
  options.samples = static_cast<std::size_t>(flags.samples);
  options.answer = answer_samples(open, adapter, layout, threads, options);
  const std::vector<Setting> settings = effective_settings(flags, layout, threads.count());
  for (const Setting& setting : settings) options.shown_settings.emplace_back(setting.name, setting.text);
  std::optional<TrainProgress> progress;  // made when it is known which step comes first
  options.layer_done = [&](std::int64_t step, std::size_t done, std::size_t all) {
    progress->show_layers(step, done, all);
  };
  Trainer trainer(*open.model, threads, data.use(), adapter, options, settings_of_run);
  if (!flags.quiet && !trainer.notice().empty()) std::cerr << "note: " << trainer.notice() << '\n';
  const std::string model = flags.model == TrainFlags().model ? "" : cat("-m ", flags.model, " ");
  const std::string hint = cat("tome ask ", model, "--adapter ", flags.out, " FILE \"QUESTION\"\n");
  if (trainer.already_complete()) {
    if (flags.quiet) return;
    std::cerr << flags.out << ": holds this run already, complete with step " << trainer.resumed_at()
              << "; nothing is trained again (another --out would be)\n"
              << hint;
    return;
  }
  write_settings(options.out / "settings.toml", settings);
  if (!flags.quiet && trainer.resumed_at() > 0) std::cerr << "going on after step " << trainer.resumed_at() << '\n';
  progress.emplace(trainer.resumed_at(), options.schedule.steps, flags.quiet);
  const bool complete = trainer.run([&](const StepRecord&) { progress->show(trainer.log()); }, stop_requested());
  progress->finish(trainer.log(), complete);
  if (complete && !flags.quiet) std::cerr << hint;
}

}  // namespace

void add_train(CLI::App& app) {
  auto flags = std::make_shared<TrainFlags>();
  CLI::App* c = app.add_subcommand("train", "train a LoRA adapter, for input as long as the window");
  c->footer(
      "examples:\n  tome train --data qa.jsonl --context 16k --out my-adapter\n"
      "  tome train -m smollm2 --data books/ --context 8k --pose 32k --steps 100 --out stretched\n"
      "  tome train --settings my-adapter/settings.toml --rank 32 --out other-adapter\n"
      "  tome train --adapter stretched --data books/ --context 32k --steps 10 --out finished\n"
      "Data: docs/training-data.md. The same command goes on where it was stopped.");
  flags->add_to(*c);
  c->callback([flags, c] {
    flags->finish(*c);
    run(*flags);
  });
}

}  // namespace tome::cli
