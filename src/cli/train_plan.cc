#include "cli/train_plan.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "base/error.h"
#include "base/number_text.h"
#include "cli/common.h"
#include "cli/machine.h"
#include "cli/plan_table.h"
#include "cli/progress.h"
#include "train/epoch.h"
#include "train/step_progress.h"

namespace tome::cli {
namespace {

constexpr std::int64_t kExampleBytes = 60;  // that a training set keeps about one (train/training_set.h)

struct Longest {
  std::int64_t tokens = 0, targets = 0;
};

Longest longest_pass(const TrainFlags& flags, const TrainingSet& data) {
  const TrainerOptions& t = flags.trainer;
  const PassPlan passes = plan_passes(data, hold_out(data, t.held_out_rows, t.seed).training, t.window, t.pack);
  Longest longest;
  for (std::size_t i = 0; i < passes.size(); ++i) {
    Longest pass;
    for (const std::uint32_t example : passes.pass(i)) {
      pass.tokens += data.tokens(example);
      pass.targets += data.targets(example);
    }
    longest.tokens = std::max(longest.tokens, pass.tokens);
    longest.targets = std::max(longest.targets, pass.targets);
  }
  // Another epoch packs other examples together.
  if (t.pack && passes.size() < data.size()) longest.tokens = std::min(t.window, data.report().tokens);
  return longest;
}

// Tokens of what is validated on, or answered: without validation some of the rows trained on.
std::int64_t longest_forward(const TrainFlags& flags, const RunData& data) {
  const bool own_files = data.validation != nullptr;
  const TrainingSet& rows = own_files ? *data.validation : data.training;
  const DataSplit split = hold_out(rows, own_files ? 0 : flags.trainer.held_out_rows, flags.trainer.seed);
  const bool all = own_files || (split.held_out.empty() && flags.samples > 0);
  std::int64_t longest = 0;
  for (const std::uint32_t i : all ? split.training : split.held_out) longest = std::max(longest, rows.tokens(i));
  return longest;
}

}  // namespace

TrainingPlanOptions plan_training(TrainFlags& flags, const PlanModel& model, const Adapter* begun, const RunData& run,
                                  int threads) {
  const TrainingSet& data = run.training;
  const Longest longest = longest_pass(flags, data);
  TrainingPlanOptions options = begun != nullptr ? plan_options(model.config, *begun, longest.tokens)
                                                 : plan_options(model.config, flags.adapter, longest.tokens);
  options.targets = longest.targets;
  options.forward_tokens = longest_forward(flags, run);
  options.data_bytes = kExampleBytes * static_cast<std::int64_t>(data.size());
  return plan_training(flags, model, options, threads);
}

TrainingPlanOptions plan_training(TrainFlags& flags, const PlanModel& model, TrainingPlanOptions options, int threads) {
  options.eight_bit = flags.moments == "8bit";
  options.threads = threads;
  options.chunk_rows = flags.trainer.pass.chunk_rows;
  const auto bytes = [](const char* flag, const std::string& text) {
    return static_cast<std::uint64_t>(parse_bytes(flag, text));
  };
  if (!flags.memory.empty()) {
    options = fit_training(model, options, bytes("--memory", flags.memory));
  } else {
    options.activation_bytes = bytes("--activations", flags.activations.empty() ? "1GiB" : flags.activations);
    if (flags.keep == "auto") {
      options = fit_activations(model, options);
    } else {
      options.keep = parse_keep(flags.keep);
    }
    const std::uint64_t needed = make_training_plan(model, options).peak_private;
    if (needed > installed_memory()) {
      throw_user_error("not enough memory: this would take ", human_bytes(needed),
                       " of private memory, the machine has ", human_bytes(installed_memory()),
                       "; a shorter --context, a smaller model or --rank, or --memory ", "with less than that");
    }
  }
  PassOptions& pass = flags.trainer.pass;
  pass.keep = options.keep;
  pass.activation_bytes = options.activation_bytes;
  pass.head_group_bytes = options.head_group_bytes;
  pass.chunk_rows = options.chunk_rows;
  return options;
}

void print_training_plan(TrainingPlanOptions options, const PlanModel& model, const TrainerOptions& trainer,
                         double bf16_flops, double passes) {
  TrainingPlan plan = make_training_plan(model, options);
  const bool outlasting =
      outlasts(plan.flops * static_cast<double>(trainer.passes_per_step), bf16_flops, trainer.resume_seconds);
  if (outlasting) {
    options.activation_bytes = 0;
    plan = make_training_plan(model, options);
  }
  std::cout << "training on " << grouped(options.tokens) << " tokens a pass, " << grouped(options.targets)
            << " of them targets, " << grouped(static_cast<std::int64_t>(options.trained)) << " trained numbers, "
            << options.threads << " threads\n";
  print_section("always there", plan.always);
  print_section("a training pass", plan.pass);
  print_section("forward", plan.forward);
  print_section("loss", plan.loss);
  print_section(cat("backward (kept of each layer: ", to_string(options.keep), ")"), plan.backward);
  if (!plan.forward_alone.empty()) {
    print_section(cat("validation and sample answers, ", grouped(options.forward_tokens), " tokens"),
                  plan.forward_alone);
  }
  std::cout << "\nin all\n";
  print_row("peak private memory", mebibytes(static_cast<double>(plan.peak_private)));
  print_row("mapped pages (the system's to take)", mebibytes(static_cast<double>(plan.mapped)));
  print_row("spilled activations on disk", mebibytes(static_cast<double>(plan.spill)));
  print_row("a pass", teraflop(plan.flops));
  MachineRates rates;
  rates.bf16 = bf16_flops;
  const double seconds = pass_seconds(plan, rates);
  print_row("time of a pass here", clock_time(seconds));
  if (passes > 0) print_row(cat("time of ", std::llround(passes), " passes"), clock_time(seconds * passes));
  if (outlasting) {
    std::cout
        << "\na step longer than --resume-seconds: what is kept of its layers is in the file alone, so that it can go "
           "on\n";
  }
  std::cout << "\nthis machine, measured now: bf16 " << std::llround(bf16_flops * 1e-9) << " GFLOP/s\n";
}

}  // namespace tome::cli
