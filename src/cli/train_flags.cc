#include "cli/train_flags.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "cli/common.h"
#include "cli/output.h"
#include "cli/validators.h"

namespace tome::cli {
namespace {

// Of each pair one stands for the other.
constexpr std::array<const char*, 2> kInstead[] = {{"--steps", "--epochs"}, {"--validation", "--hold-out"}};

}  // namespace

std::vector<std::string> matrix_names(const AdapterSettings& settings) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kMatrices.size(); ++i) {
    if (settings.matrices[i]) names.emplace_back(kMatrixNames[i]);
  }
  return names;
}

void TrainFlags::add_to(CLI::App& command) {
  command
      .add_option_function<std::string>(
          "--settings", [this, &command](const std::string& file) { settings.load(command, file); },
          "a TOML file of these flags by their long names; flags given here go before it")
      ->type_name("FILE")
      ->trigger_on_parse();
  add_data_flags(command);
  add_length_flags(command);
  add_adapter_flags(command);
  add_optimizer_flags(command);
  add_validation_flags(command);
  add_machine_flags(command);
}

void TrainFlags::add_data_flags(CLI::App& command) {
  command.add_option("-m,--model", model, "a name, a .gguf file, or a Hugging Face folder")
      ->envname("TOME_MODEL")
      ->capture_default_str();
  command.add_option("--data", data, "JSONL files, documents, or folders of them")->required();
  command.add_option("-o,--out", out, "folder of the adapter, log and checkpoints")->required();
  command.add_option("--layout", layout, "how text and question are put (docs/layouts.md)");
  command.add_option("--train-on", train_on, "answers or all")
      ->check(CLI::IsMember({"answers", "all"}))
      ->capture_default_str();
  command.add_flag("--no-pack", no_pack, "one example a pass");
  command.add_flag("--skip-bad", skip_bad, "leave malformed rows out");
  command.add_option("--seed", trainer.seed)->check(CLI::NonNegativeNumber)->capture_default_str();
}

void TrainFlags::add_length_flags(CLI::App& command) {
  command.add_option("--context", context, "tokens of a pass at most; default: the model's window")->check(count());
  command.add_option("--rope-scaling", rope_scaling, "none, linear:F, ntk:F, dynamic:F, yarn:F or llama3:F");
  command.add_option("--pose", pose, "spread positions of short examples over a window of this many tokens")
      ->check(count());
  command.add_option("--steps", steps, "optimizer steps; default: by --epochs")
      ->check(CLI::Range(std::int64_t{1}, kMostCounted));
  command.add_option("--epochs", epochs, "times that all data is seen")
      ->check(between(0.0001, 1e6))
      ->capture_default_str();
  command.add_option("--accumulate", trainer.passes_per_step, "passes of one optimizer step")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
}

void TrainFlags::add_adapter_flags(CLI::App& command) {
  command.add_option("--adapter", begin, "go on with this adapter (of tome train or PEFT) instead of a new one")
      ->configurable(false);  // as a default that commands share it is what answers
  command.add_option("--rank", adapter.rank, "of the LoRA pairs")->check(CLI::Range(1, 4096))->capture_default_str();
  command.add_option("--alpha", adapter.alpha, "LoRA's scale is alpha / rank")
      ->check(between(1e-6, 1e6))
      ->capture_default_str();
  command.add_option("--dropout", adapter.dropout, "share of a LoRA pair's input that is left out at each step")
      ->check(between(0, 0.99))
      ->capture_default_str();
  command.add_flag("--rank-stabilised", adapter.rank_stabilised, "scale alpha / sqrt(rank)");
  command.add_option("--matrices", matrices, "linear layers with a LoRA pair; default: all")
      ->delimiter(',')
      ->check(CLI::IsMember({"q", "k", "v", "o", "gate", "up", "down"}));
  command.add_option("--train-also", train_also, "norms, embeddings: their weights too")
      ->delimiter(',')
      ->check(CLI::IsMember({"norms", "embeddings"}));
}

void TrainFlags::add_optimizer_flags(CLI::App& command) {
  command.add_option("--learning-rate", trainer.learning_rate)->check(between(0, 10))->capture_default_str();
  command.add_option("--schedule", schedule, "constant, linear or cosine")
      ->check(CLI::IsMember({"constant", "linear", "cosine"}))
      ->capture_default_str();
  command.add_option("--warm-up", trainer.schedule.warm_up_steps, "steps")
      ->check(CLI::Range(std::int64_t{0}, kMostCounted))
      ->capture_default_str();
  command.add_option("--weight-decay", trainer.adamw.weight_decay)->check(between(0, 10))->capture_default_str();
  command.add_option("--clip", trainer.largest_norm, "largest norm of the gradient; 0: any")
      ->check(between(0, 1e9))
      ->capture_default_str();
  command.add_option("--moments", moments, "AdamW's state: 8bit or f32")
      ->check(CLI::IsMember({"8bit", "f32"}))
      ->capture_default_str();
}

void TrainFlags::add_validation_flags(CLI::App& command) {
  command.add_option("--validation", validation, "data to validate on, in files of their own");
  command.add_option("--hold-out", trainer.held_out_rows, "rows of --data kept for validation")
      ->check(CLI::Range(std::int64_t{0}, kMostCounted))
      ->capture_default_str();
  command.add_option("--validate-every", trainer.validate_every, "steps")
      ->check(CLI::Range(std::int64_t{1}, kMostCounted))
      ->capture_default_str();
  command.add_option("--samples", samples, "questions that the model answers at each validation; 0: none")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
}

void TrainFlags::add_machine_flags(CLI::App& command) {
  command
      .add_option(
          "--keep", keep,
          "what of each layer stays for the backward pass: all, attention (its output), input, or auto: what fits")
      ->check(CLI::IsMember({"auto", "all", "attention", "input"}))
      ->capture_default_str();
  command.add_option("--memory", memory, "the most private memory, e.g. 8GiB: chooses the rest; see --dry-run")
      ->check(bytes());
  command
      .add_option("--activations", activations,
                  "memory for what is kept, default 1GiB; the rest goes to a file in --out")
      ->check(bytes());
  command
      .add_option("--resume-seconds", trainer.resume_seconds,
                  "a step that is to take longer keeps what it has done in --out, layer by layer")
      ->check(between(0, 1e9))
      ->capture_default_str();
  command.add_flag("--dry-run", dry_run, "only show what it would take: memory, disk, operations, hours");
  command.add_option("--dtype", dtype, "activations: bf16, or f32 for comparisons")
      ->check(CLI::IsMember({"bf16", "f32"}))
      ->capture_default_str();
  command.add_option("-t,--threads", threads, "default: the physical cores this process may use")
      ->envname("TOME_THREADS")
      ->check(CLI::Range(1, 1024));
  command.add_flag("-q,--quiet", quiet, "only errors on stderr");
}

void TrainFlags::finish(const CLI::App& command) {
  settings.apply(kInstead);
  const auto given = [&](const char* flag) { return command.get_option(flag)->count() > 0; };
  if (given("--steps") && given("--epochs")) {
    throw_user_error("--steps and --epochs: both say how long to train; leave one out");
  }
  if (given("--epochs")) steps = 0;  // also where the configuration file has steps
  if (!validation.empty() && trainer.held_out_rows > 0) {
    throw_user_error(
        "--validation and --hold-out: both say what to validate on, and the best adapter is chosen by one ",
        "loss; give the rows of one of them");
  }
  if (!pose.empty() && context.empty()) {
    throw_user_error("--pose: needs --context too: how many of its tokens one pass really holds");
  }
  if (!pose.empty() && parse_count("--pose", pose) < parse_count("--context", context)) {
    throw_user_error("--pose ", pose, ": is less than --context ", context,
                     ", but positions are spread over a window longer than a pass; give a larger one");
  }
  if (!memory.empty() && (!activations.empty() || keep != "auto")) {
    throw_user_error("--memory: chooses what --keep and --activations say; leave ",
                     activations.empty() ? "--keep" : "--activations", " out");
  }
  if (!memory.empty() && dtype == "f32") {
    throw_user_error("--memory: is planned for activations in bf16; leave out --dtype f32, which is for comparisons");
  }
  const auto trains = [&](const char* what) {
    return std::find(train_also.begin(), train_also.end(), what) != train_also.end();
  };
  command_ = &command;
  adapter.norms = trains("norms");
  adapter.embeddings = trains("embeddings");
  for (std::size_t i = 0; i < kMatrices.size() && !matrices.empty(); ++i) {
    adapter.matrices[i] = std::find(matrices.begin(), matrices.end(), kMatrixNames[i]) != matrices.end();
  }
}

void TrainFlags::go_on_with(const AdapterSettings& trained) {
  const auto refuse_other = [&](const char* flag, const std::string& wanted, const std::string& has) {
    if (command_->get_option(flag)->count() == 0 || wanted == has) return;
    throw_user_error(flag, ": got ", wanted, ", but the adapter to go on with, ", begin, ", has ", has,
                     "; leave the flag out");
  };
  const auto yes_or_no = [](bool value) { return std::string(value ? "yes" : "no"); };
  const auto also = [](const AdapterSettings& a) {
    std::vector<std::string> names;
    if (a.norms) names.emplace_back("norms");
    if (a.embeddings) names.emplace_back("embeddings");
    return joined(names);
  };
  refuse_other("--rank", cat(adapter.rank), cat(trained.rank));
  refuse_other("--alpha", shortest(adapter.alpha), shortest(trained.alpha));
  refuse_other("--rank-stabilised", yes_or_no(adapter.rank_stabilised), yes_or_no(trained.rank_stabilised));
  refuse_other("--matrices", joined(matrix_names(adapter)), joined(matrix_names(trained)));
  refuse_other("--train-also", also(adapter), also(trained));
  const double dropout = adapter.dropout;  // of the run, not of the adapter
  adapter = trained;
  adapter.dropout = dropout;
}

}  // namespace tome::cli
