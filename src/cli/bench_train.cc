#include "cli/bench_train.h"

#include <algorithm>

#include "cli/machine.h"
#include "cli/train_plan.h"
#include "train/adapter_gradient.h"

namespace tome::cli {
namespace {

/// The last `targets` tokens are to be predicted.
TrainingExample text_example(std::vector<TokenId> ids, std::size_t targets) {
  TrainingExample example;
  example.name = "text";
  example.ids = std::move(ids);
  const std::size_t tokens = example.ids.size();
  example.targets.assign(tokens, kNoTarget);
  const std::size_t first = tokens - 1 - std::min(targets, tokens - 1);
  for (std::size_t i = first; i + 1 < tokens; ++i) example.targets[i] = example.ids[i + 1];
  example.positions = consecutive_positions(0, tokens);
  example.visible = causal_ranges(0, tokens, 0);
  return example;
}

void run(const BenchFlags& flags, TrainFlags& training, std::int64_t targets) {
  const std::int64_t tokens = parse_count("--tokens", flags.tokens);
  const BenchSubject subject = open_subject(flags, tokens);
  const Model& model = *subject.model;
  Threads threads(flags.model.thread_count());
  training.trainer.pass.chunk_rows = flags.chunk_rows;
  TrainingPlanOptions wanted = plan_options(subject.plan.config, training.adapter, tokens);
  wanted.targets = targets;
  const TrainingPlanOptions planned = plan_training(training, subject.plan, wanted, threads.count());
  const TrainingPlan plan = make_training_plan(subject.plan, planned);
  const Adapter adapter(model.config(), training.adapter, 1);
  const AdapterGradient gradient(adapter);
  const TrainingExample example =
      text_example(bench_ids(flags, model, static_cast<std::size_t>(tokens)), static_cast<std::size_t>(targets));
  PassOptions options = training.trainer.pass;
  options.spill_folder = flags.folder;
  options.scale = 1 / static_cast<double>(targets);
  std::vector<double> seconds;
  for (int i = 0; i < flags.repeat; ++i) {
    const auto start = std::chrono::steady_clock::now();
    training_pass<bf16>(model, threads, example, adapter.layers(), gradient.pass(), options);
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  BenchFigures figures{static_cast<double>(tokens), median(seconds), plan.flops / median(seconds)};
  figures.planned_private = plan.peak_private;
  figures.spill = plan.spill;
  report_bench(flags, "train", tokens, figures, measure_bf16(threads));
}

}  // namespace

void add_bench_train(CLI::App& bench, BenchFlags& flags) {
  CLI::App* c = bench.add_subcommand("train", "a training pass: tokens a second, memory beside the plan");
  flags.add_to(*c);
  auto training = std::make_shared<TrainFlags>();
  auto targets = std::make_shared<std::int64_t>(256);
  c->add_option("--tokens", flags.tokens, "tokens of the pass")->capture_default_str();
  c->add_option("--targets", *targets, "of them are predicted")->check(CLI::PositiveNumber)->capture_default_str();
  c->add_option("--chunk-rows", flags.chunk_rows, "tokens in a chunk of the forward pass")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  c->add_option("--text", flags.text, "a document to take the tokens from; default: made-up ones");
  c->add_option("--rank", training->adapter.rank, "of the LoRA pairs")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  c->add_option("--keep", training->keep, "as for tome train")
      ->check(CLI::IsMember({"auto", "all", "attention", "input"}))
      ->capture_default_str();
  c->add_option("--activations", training->activations, "as for tome train; default 1GiB");
  c->add_option("--memory", training->memory, "as for tome train");
  c->callback([&flags, training, targets] { run(flags, *training, *targets); });
}

}  // namespace tome::cli
