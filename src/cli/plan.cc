// tome plan: what reading and answering will take, before it starts.
#include "model/plan.h"

#include <cmath>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/number_text.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/machine.h"
#include "cli/plan_table.h"
#include "cli/progress.h"
#include "cli/train_plan.h"

namespace tome::cli {
namespace {

struct Flags {
  std::string model = "gemma", adapter, context = "32k", memory, kv = "bf16";
  int threads = 0;
  bool exact = false, json = false, train = false;
  TrainFlags training;  // of --train: the few that are asked for here
  std::int64_t targets = 256;
};

// A model that is here counts as it is; a known shape needs no file.
PlanModel open_plan_model(const std::string& name) {
  try {
    return plan_model(Model(find_model(name)));
  } catch (const UserError&) {
    if (std::filesystem::exists(name) || !is_known_shape(name)) throw;
  }
  return known_shape(name);
}

// Without --adapter the one that tome ask takes by itself.
void count_adapter(const Flags& flags, const ModelConfig& config, PlanOptions& options) {
  std::filesystem::path folder = flags.adapter;
  if (flags.adapter == "none") return;
  if (folder.empty()) {
    if (is_known_shape(flags.model) && !file_exists(flags.model)) return;
    folder = answering_adapter(find_model(flags.model));
    if (folder.empty()) return;
  }
  options.count_adapter(load_adapter(folder, config));
}

nlohmann::json to_json(const std::vector<PlanPart>& parts) {
  nlohmann::json object = nlohmann::json::object();
  for (const PlanPart& part : parts) object[std::string(part.name)] = std::llround(part.amount);
  return object;
}

struct Times {
  double reading, answer_token;
  bool from_disk;  // an answer's K, V and weights do not fit RAM
};

void print_json(const Flags& flags, const PlanOptions& options, const Plan& plan, const MachineRates& rates,
                const Times& times) {
  const nlohmann::json object = {{"schema_version", 1},
                                 {"model", flags.model},
                                 {"tokens", options.tokens},
                                 {"chunk_rows", options.chunk_rows},
                                 {"threads", options.threads},
                                 {"peak_private_bytes", plan.peak_private()},
                                 {"peak_rss_bytes", plan.peak_rss()},
                                 {"reading",
                                  {{"private_bytes", to_json(plan.reading)},
                                   {"mapped_bytes", plan.mapped_reading},
                                   {"flops", to_json(plan.flops)},
                                   {"seconds", times.reading}}},
                                 {"answering",
                                  {{"private_bytes", to_json(plan.answering)},
                                   {"mapped_bytes", plan.mapped_answering},
                                   {"flops_per_token", plan.answer_token_flops},
                                   {"seconds_per_token", times.answer_token},
                                   {"from_disk", times.from_disk}}},
                                 {"disk_bytes", plan.disk},
                                 {"disk_bytes_while_reading", plan.disk_while_reading},
                                 {"machine",
                                  {{"bf16_flops", rates.bf16},
                                   {"int8_ops", rates.int8},
                                   {"dram_bytes_per_second", rates.dram},
                                   {"installed_bytes", installed_memory()}}}};
  std::cout << object.dump(2) << '\n';
}

void section(const char* title, const std::vector<PlanPart>& parts, std::uint64_t sum, std::uint64_t mapped) {
  print_section(title, parts);
  print_row("private memory in all", mebibytes(static_cast<double>(sum)));
  print_row("mapped pages (the system's to take)", mebibytes(static_cast<double>(mapped)));
}

void print_table(const Flags& flags, const PlanOptions& options, const Plan& plan, const MachineRates& rates,
                 const Times& times) {
  std::cout << flags.model << ", " << grouped(options.tokens) << " tokens, chunks of " << options.chunk_rows
            << " rows, " << options.threads << " threads, K and V as " << flags.kv
            << (options.bounded ? ", --memory " + flags.memory : "") << '\n';
  section("reading", plan.reading, plan.private_reading, plan.mapped_reading);
  section("answering", plan.answering, plan.private_answering, plan.mapped_answering);
  std::cout << "\nin all\n";
  print_row("peak private memory", mebibytes(static_cast<double>(plan.peak_private())));
  print_row("peak resident memory", mebibytes(static_cast<double>(plan.peak_rss())));
  print_row("disk: the kept reading", mebibytes(static_cast<double>(plan.disk)));
  print_row("disk while reading", mebibytes(static_cast<double>(plan.disk_while_reading)));
  for (const PlanPart& part : plan.flops) print_row(part.name, teraflop(part.amount));
  print_row("one answer token", teraflop(plan.answer_token_flops));
  print_row("time to read here", clock_time(times.reading));
  std::ostringstream seconds;
  seconds << std::setprecision(2) << times.answer_token << " s";
  print_row(times.from_disk ? "an answer token (from disk, 1 GB/s)" : "an answer token", seconds.str());
  std::cout << "\nthis machine, measured now: bf16 " << std::llround(rates.bf16 * 1e-9) << " GFLOP/s, ";
  if (rates.int8 > 0) std::cout << "int8 " << std::llround(rates.int8 * 1e-9) << " GOP/s, ";
  std::cout << "memory " << std::llround(rates.dram * 1e-9) << " GB/s\n";
}

void run_training(Flags& flags, const PlanModel& model, std::int64_t tokens, int thread_count) {
  flags.training.memory = flags.memory;
  TrainingPlanOptions wanted = plan_options(model.config, flags.training.adapter, tokens);
  wanted.targets = flags.targets;
  const TrainingPlanOptions options = plan_training(flags.training, model, wanted, thread_count);
  Threads threads(thread_count);
  print_training_plan(options, model, flags.training.trainer, measure_bf16(threads), 0);
}

void run(Flags& flags) {
  PlanModel model = open_plan_model(flags.model);
  PlanOptions options;
  options.tokens = parse_count("--context", flags.context);
  options.threads = flags.threads > 0 ? flags.threads : usable_cores();
  options.precision = flags.exact ? Precision::kExact : Precision::kInt8;
  for (const ops::KvType type : {ops::KvType::kQ8, ops::KvType::kQ4}) {
    if (flags.kv == ops::to_string(type)) options.kv = type;
  }
  if (!flags.train) count_adapter(flags, model.config, options);
  const std::string note = stretch_context(model.config, options.tokens, "");
  if (flags.train) {
    if (flags.json) throw_user_error("--json: not with --train; leave one out");
    run_training(flags, model, options.tokens, options.threads);
    return;
  }
  if (!flags.memory.empty()) {
    options = fit_memory(model, options, static_cast<std::uint64_t>(parse_bytes("--memory", flags.memory)));
  }
  const Plan plan = make_plan(model, options);
  Threads threads(options.threads);
  const MachineRates rates = measure_machine(threads);
  const std::uint64_t installed = installed_memory();
  const Times times{reading_seconds(plan, rates, options.precision), answer_token_seconds(plan, rates, installed),
                    plan.answer_bytes + plan.private_answering > installed};
  if (flags.json) {
    print_json(flags, options, plan, rates, times);
    return;
  }
  if (!note.empty()) std::cerr << note << '\n';
  print_table(flags, options, plan, rates, times);
  if (plan.peak_private() > installed) {
    std::cout << "This machine has " << human_bytes(installed) << ": `tome ask` would refuse.\n";
  }
}

}  // namespace

void add_plan(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* c = app.add_subcommand("plan", "what reading a text, or training on it, will take: memory, disk, time");
  c->footer(
      "examples:\n  tome plan --model smollm2 --context 100000\n  tome plan --model llama-3.1-8b --context 100000 "
      "--memory 8GiB\n  tome plan --train --model llama-2-7b --context 100000 --memory 5GiB");
  c->add_option(
       "-m,--model", flags->model,
       "a name, a file or folder; or a shape without weights: llama-2-7b, llama-3.1-8b, llama-3.2-1b, llama-3.2-3b")
      ->envname("TOME_MODEL")
      ->capture_default_str();
  c->add_option("--context", flags->context, "tokens of the text, e.g. 32k or 100000")->capture_default_str();
  c->add_option("--memory", flags->memory, "as for tome ask: the most resident memory, e.g. 2GiB");
  c->add_option("--kv", flags->kv, "how K and V are kept")
      ->check(CLI::IsMember({"bf16", "q8", "q4"}))
      ->capture_default_str();
  c->add_option("-t,--threads", flags->threads, "threads; default: the physical cores this process may use")
      ->envname("TOME_THREADS")
      ->check(CLI::Range(1, 1024));
  c->add_flag("--exact", flags->exact, "no int8 products");
  c->add_option("--adapter", flags->adapter, "as for tome ask, whose default is counted, too; or none");
  CLI::Option* train = c->add_flag("--train", flags->train, "one training pass instead (tome train)");
  c->add_option("--targets", flags->targets, "with --train: tokens of the text that are targets")
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->needs(train);
  c->add_option("--rank", flags->training.adapter.rank, "with --train: of the LoRA pairs")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str()
      ->needs(train);
  c->add_option("--keep", flags->training.keep, "with --train: what of each layer stays for the backward pass")
      ->check(CLI::IsMember({"auto", "all", "attention", "input"}))
      ->capture_default_str()
      ->needs(train);
  c->add_option("--activations", flags->training.activations, "with --train: memory for it, default 1GiB")
      ->needs(train);
  c->add_flag("--json", flags->json, "one JSON object on stdout");
  c->callback([flags] { run(*flags); });
}

}  // namespace tome::cli
