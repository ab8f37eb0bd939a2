// tome train --data FILE --out FOLDER: trains a LoRA adapter for long input.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <sstream>

#include "base/error.h"
#include "base/resources.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/interrupt.h"
#include "cli/machine.h"
#include "cli/progress.h"
#include "text/layout.h"
#include "train/trainer.h"

namespace tome::cli {
namespace {

namespace fs = std::filesystem;

struct Flags {
  std::string model = "gemma", context, rope_scaling, layout, out, dtype = "bf16";
  std::vector<std::string> data, matrices, train_also;
  int threads = 0;
  bool quiet = false, skip_bad = false, no_pack = false, rank_stabilised = false;
  AdapterSettings adapter;
  TrainerOptions trainer;
  std::int64_t steps = 0;
  double epochs = 1;
  std::string schedule = "cosine", train_on = "answers", keep = "attention", activations = "1GiB", pose;
  std::string moments = "8bit";
};

constexpr const char* kMatrixNames[] = {"q", "k", "v", "o", "gate", "up", "down"};

void choose_matrices(Flags& flags) {
  if (flags.matrices.empty()) return;
  for (std::size_t i = 0; i < kMatrices.size(); ++i) {
    flags.adapter.matrices[i] =
        std::find(flags.matrices.begin(), flags.matrices.end(), kMatrixNames[i]) != flags.matrices.end();
  }
}

// Everything that decides the adapter's numbers, by name: a folder with another run's checkpoint is told apart by it.
std::map<std::string, std::string> run_settings(const Flags& flags, const Model& model, const Tokenizer& tokenizer,
                                                const TrainingSet& data, const Layout& layout, int threads) {
  const TrainerOptions& t = flags.trainer;
  const AdapterSettings& a = flags.adapter;
  std::string matrices;
  for (std::size_t i = 0; i < kMatrices.size(); ++i) matrices += a.matrices[i] ? cat(kMatrixNames[i], " ") : "";
  const auto number = [](double value) {
    std::ostringstream text;
    text.precision(17);
    text << value;
    return text.str();
  };
  return {{"model", cat(model.fingerprint())},
          {"tokenizer", cat(tokenizer.fingerprint())},
          {"data", cat(data.fingerprint())},
          {"layout", layout.name},
          {"context", cat(t.window)},
          {"rope_scaling", to_string(model.config().rope_scaling)},
          {"dtype", flags.dtype},
          {"threads", cat(threads)},
          {"rank", cat(a.rank)},
          {"alpha", number(a.alpha)},
          {"rank_stabilised", cat(a.rank_stabilised)},
          {"dropout", number(a.dropout)},
          {"matrices", matrices},
          {"norms", cat(a.norms)},
          {"embeddings", cat(a.embeddings)},
          {"steps", cat(t.schedule.steps)},
          {"schedule", flags.schedule},
          {"warm_up", cat(t.schedule.warm_up_steps)},
          {"learning_rate", number(t.learning_rate)},
          {"weight_decay", number(t.adamw.weight_decay)},
          {"beta1", number(t.adamw.beta1)},
          {"beta2", number(t.adamw.beta2)},
          {"epsilon", number(t.adamw.epsilon)},
          {"clip", number(t.largest_norm)},
          {"moments", flags.moments},
          {"accumulate", cat(t.passes_per_step)},
          {"pack", cat(t.pack)},
          {"pose", cat(t.pose.target_window)},
          {"train_on", flags.train_on},
          {"hold_out", cat(t.held_out_rows)},
          {"validate_every", cat(t.validate_every)},
          {"keep", flags.keep},
          {"seed", cat(t.seed)}};
}

void report_data(const DataReport& r) {
  std::cerr << grouped(r.rows) << " rows, " << grouped(r.examples) << " examples, " << grouped(r.tokens) << " tokens, "
            << grouped(r.targets) << " of them targets\n";
  if (r.bad_rows > 0) {
    std::cerr << grouped(r.bad_rows) << " malformed rows left out (--skip-bad):\n";
    for (const std::string& line : r.bad) std::cerr << "  " << line << '\n';
  }
  if (r.cut_examples > 0) {
    std::cerr << grouped(r.cut_examples) << " examples lost " << grouped(r.cut_tokens)
              << " tokens of their documents' middles to the window\n";
  }
  if (r.dropped_exchanges > 0) std::cerr << grouped(r.dropped_exchanges) << " old exchanges dropped\n";
  for (const std::string& warning : r.warnings) std::cerr << "note: " << warning << '\n';
}

std::string progress_text(const StepRecord& r, std::int64_t steps) {
  std::ostringstream text;
  text << "step " << r.step << "/" << steps << "  loss ";
  text.precision(4);
  text << std::fixed << r.loss;
  if (r.fraction_of_peak > 0) text << "  " << std::lround(100 * r.fraction_of_peak) << " % of peak";
  text << "  " << human_bytes(r.peak_private_bytes);
  return text.str();
}

void set_up(Flags& flags, const OpenModel& open, const Layout& layout) {
  TrainerOptions& t = flags.trainer;
  t.out = flags.out;
  t.window = flags.context.empty() ? open.model->config().context_length : parse_count("--context", flags.context);
  t.pack = !flags.no_pack;
  t.schedule.kind = parse_schedule(flags.schedule);
  t.pass.keep = parse_keep(flags.keep);
  t.pass.activation_bytes = static_cast<std::uint64_t>(parse_bytes("--activations", flags.activations));
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
  t.use.rope_scaling =
      flags.rope_scaling.empty() && flags.context.empty() ? "" : to_string(open.model->config().rope_scaling);
  t.use.window = open.model->config().context_length;
  t.use.layout = layout.name;
}

void run(Flags& flags) {
  if (!flags.pose.empty() && flags.context.empty()) {
    throw_user_error("--pose: needs --context too: how many of its tokens one pass really holds");
  }
  catch_signals();
  choose_matrices(flags);
  const auto trains = [&](const char* what) {
    return std::find(flags.train_also.begin(), flags.train_also.end(), what) != flags.train_also.end();
  };
  flags.adapter.norms = trains("norms");
  flags.adapter.embeddings = trains("embeddings");
  ModelFlags model_flags;
  model_flags.model = flags.model;
  // PoSE trains positions of a window that no example fills.
  model_flags.context = flags.pose.empty() ? flags.context : flags.pose;
  model_flags.rope_scaling = flags.rope_scaling;
  model_flags.quiet = flags.quiet;
  const OpenModel open = open_model(model_flags);
  const Layout& layout = flags.layout.empty() ? default_layout(*open.tokenizer) : find_layout(flags.layout);
  fs::create_directories(flags.out);
  set_up(flags, open, layout);
  DataOptions data_options;
  data_options.encode = {flags.trainer.window, parse_train_on(flags.train_on)};
  data_options.skip_bad = flags.skip_bad;
  const TrainingSet data({flags.data.begin(), flags.data.end()}, *open.tokenizer, layout, data_options);
  if (!flags.quiet) report_data(data.report());

  Threads threads(flags.threads > 0 ? flags.threads : usable_cores());
  TrainerOptions& options = flags.trainer;
  options.peak_flops = measure_bf16(threads);
  options.schedule.steps = flags.steps;
  if (flags.steps == 0) {
    const PassPlan plan =
        plan_passes(data, hold_out(data, options.held_out_rows, options.seed).training, options.window, options.pack);
    options.schedule.steps = std::max<std::int64_t>(1, std::llround(flags.epochs * static_cast<double>(plan.size()) /
                                                                    static_cast<double>(options.passes_per_step)));
  }
  Adapter adapter(*open.model, flags.adapter, options.seed);
  Trainer trainer(*open.model, threads, data, adapter, options,
                  run_settings(flags, *open.model, *open.tokenizer, data, layout, threads.count()));
  if (!flags.quiet) {
    if (!trainer.notice().empty()) std::cerr << "note: " << trainer.notice() << '\n';
    if (trainer.resumed_at() > 0) std::cerr << "going on after step " << trainer.resumed_at() << '\n';
  }
  ProgressLine line(flags.quiet);
  double tokens = 0;
  const bool complete = trainer.run(
      [&](const StepRecord& record) {
        tokens += static_cast<double>(record.tokens);
        const auto done = static_cast<double>(record.step - trainer.resumed_at());
        const auto all = static_cast<double>(options.schedule.steps - trainer.resumed_at());
        line.show(progress_text(record, options.schedule.steps), done, all, tokens * all / done);
      },
      stop_requested());
  line.clear();
  if (flags.quiet || trainer.log().steps().empty()) return;
  const StepRecord& last = trainer.log().steps().back();
  std::cerr << (complete ? "done: " : "stopped, the same command goes on: ")
            << progress_text(last, options.schedule.steps) << "  " << std::lround(last.tokens_per_second)
            << " tokens/s\n";
  if (complete) std::cerr << "tome ask --adapter " << flags.out << " FILE \"QUESTION\"\n";
}

}  // namespace

void add_train(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  TrainerOptions& t = flags->trainer;
  CLI::App* c = app.add_subcommand("train", "train a LoRA adapter, for input as long as the window");
  c->footer(
      "examples:\n  tome train --data qa.jsonl --context 16k --out my-adapter\n  tome train -m smollm2 --data books/ "
      "--context 8k --pose 32k --steps 100 --out stretched\nData: docs/training-data.md. The same command goes on "
      "where "
      "it was stopped.");
  c->add_option("-m,--model", flags->model, "a name, a .gguf file, or a Hugging Face folder")
      ->envname("TOME_MODEL")
      ->capture_default_str();
  c->add_option("--data", flags->data, "JSONL files, documents, or folders of them")->required();
  c->add_option("-o,--out", flags->out, "folder of the adapter, log and checkpoints")->required();
  c->add_option("--context", flags->context, "tokens of a pass at most; default: the model's window");
  c->add_option("--rope-scaling", flags->rope_scaling, "none, linear:F, ntk:F, dynamic:F, yarn:F or llama3:F");
  c->add_option("--pose", flags->pose, "spread positions of short examples over a window of this many tokens");
  c->add_option("--layout", flags->layout, "how text and question are put (docs/layouts.md)");
  c->add_option("--steps", flags->steps, "optimizer steps; default: by --epochs")->check(CLI::PositiveNumber);
  c->add_option("--epochs", flags->epochs, "times that all data is seen")
      ->check(CLI::Range(0.0001, 1e6))
      ->capture_default_str();
  c->add_option("--accumulate", t.passes_per_step, "passes of one optimizer step")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  c->add_option("--rank", flags->adapter.rank, "of the LoRA pairs")->check(CLI::Range(1, 4096))->capture_default_str();
  c->add_option("--alpha", flags->adapter.alpha, "LoRA's scale is alpha / rank")
      ->check(CLI::Range(1e-6, 1e6))
      ->capture_default_str();
  c->add_option("--dropout", flags->adapter.dropout, "share of a LoRA pair's input that is left out at each step")
      ->check(CLI::Range(0.0, 0.99))
      ->capture_default_str();
  c->add_flag("--rank-stabilised", flags->adapter.rank_stabilised, "scale alpha / sqrt(rank)");
  c->add_option("--matrices", flags->matrices, "linear layers with a LoRA pair; default: all")
      ->delimiter(',')
      ->check(CLI::IsMember({"q", "k", "v", "o", "gate", "up", "down"}));
  c->add_option("--train-also", flags->train_also, "norms, embeddings: their weights too")
      ->delimiter(',')
      ->check(CLI::IsMember({"norms", "embeddings"}));
  c->add_option("--learning-rate", t.learning_rate)->check(CLI::Range(0.0, 10.0))->capture_default_str();
  c->add_option("--schedule", flags->schedule, "constant, linear or cosine")->capture_default_str();
  c->add_option("--warm-up", t.schedule.warm_up_steps, "steps")->check(CLI::NonNegativeNumber)->capture_default_str();
  c->add_option("--weight-decay", t.adamw.weight_decay)->check(CLI::Range(0.0, 10.0))->capture_default_str();
  c->add_option("--clip", t.largest_norm, "largest norm of the gradient; 0: any")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  c->add_option("--moments", flags->moments, "AdamW's state: 8bit or f32")
      ->check(CLI::IsMember({"8bit", "f32"}))
      ->capture_default_str();
  c->add_option("--train-on", flags->train_on, "answers or all")->capture_default_str();
  c->add_option("--hold-out", t.held_out_rows, "rows kept for validation")->check(CLI::NonNegativeNumber);
  c->add_option("--validate-every", t.validate_every, "steps")->check(CLI::PositiveNumber)->capture_default_str();
  c->add_flag("--no-pack", flags->no_pack, "one example a pass");
  c->add_flag("--skip-bad", flags->skip_bad, "leave malformed rows out");
  c->add_option("--keep", flags->keep,
                "what of each layer stays for the backward pass: all, attention (its output) or input")
      ->check(CLI::IsMember({"all", "attention", "input"}))
      ->capture_default_str();
  c->add_option("--activations", flags->activations, "memory for what is kept; the rest goes to a file in --out")
      ->capture_default_str();
  c->add_option("--dtype", flags->dtype, "activations: bf16, or f32 for comparisons")
      ->check(CLI::IsMember({"bf16", "f32"}))
      ->capture_default_str();
  c->add_option("--resume-seconds", t.resume_seconds,
                "a step that is to take longer keeps what it has done in --out, layer by layer")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  c->add_option("--seed", t.seed)->capture_default_str();
  c->add_option("-t,--threads", flags->threads, "default: the physical cores this process may use")
      ->envname("TOME_THREADS")
      ->check(CLI::Range(1, 1024));
  c->add_flag("-q,--quiet", flags->quiet, "only errors on stderr");
  c->callback([flags] { run(*flags); });
}

}  // namespace tome::cli
