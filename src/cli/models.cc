// tome models: the models that tome knows, what they need, and which are here.
#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/number_text.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/known_models.h"
#include "cli/machine.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "ops/kernels/kernels.h"
#include "text/document.h"

namespace tome::cli {
namespace {

using nlohmann::json;

// Of English prose, for models whose tokenizer is not here.
constexpr double kBytesPerToken = 4.3;

struct Flags {
  std::string file, tokens = "100000";
  int threads = 0;
  bool json_output = false;
};

struct Length {
  std::int64_t tokens = 0;
  bool counted = true;  // else estimated
};

std::filesystem::path installed_path(const KnownModel& model) {
  const auto path = data_home() / "models" / (std::string(model.name) + ".gguf");
  return file_exists(path.string()) ? path : std::filesystem::path();
}

Length length_for(const KnownModel& model, const std::string& text) {
  const auto path = installed_path(model);
  if (path.empty())
    return {static_cast<std::int64_t>(std::ceil(static_cast<double>(text.size()) / kBytesPerToken)), false};
  return {static_cast<std::int64_t>(open_tokenizer(path).tokenizer->encode(text).ids.size()), true};
}

json describe(const KnownModel& model, const Length& length, double rate) {
  const ReadingCost cost = reading_cost(model, length.tokens);
  json object = {{"name", model.name},
                 {"source", model.source},
                 {"licence", model.licence},
                 {"tried", model.tried},
                 {"installed", installed_path(model).string()},
                 {"window", model.window},
                 {"download_bytes", std::llround(model.download_mb * 1e6)},
                 {"tokens", length.tokens},
                 {"tokens_counted", length.counted},
                 {"fits_window", length.tokens <= model.window},
                 {"ram_bytes", std::llround(cost.ram_bytes)},
                 {"disk_bytes", std::llround(cost.disk_bytes)}};
  if (rate > 0) object["read_seconds"] = cost.flops / (ops::kernels().shares.models * rate);
  return object;
}

void print(const json& models, bool timed) {
  std::printf("%-13s %-12s %9s %9s %9s %9s %9s%s  %s\n", "name", "licence", "window", "download", "tokens", "RAM",
              "disk", timed ? "      time" : "", "");
  for (const json& m : models) {
    const std::string tokens = (m["tokens_counted"].get<bool>() ? "" : "~") + grouped(m["tokens"].get<std::int64_t>());
    const std::string time = timed ? cat("  ", clock_time(m["read_seconds"].get<double>())) : std::string();
    std::printf(
        "%-13s %-12s %9s %9s %9s %9s %9s%*s  %s%s%s\n", m["name"].get<std::string>().c_str(),
        m["licence"].get<std::string>().c_str(), grouped(m["window"].get<std::int64_t>()).c_str(),
        human_bytes(m["download_bytes"].get<std::uint64_t>()).c_str(), tokens.c_str(),
        human_bytes(m["ram_bytes"].get<std::uint64_t>()).c_str(),
        human_bytes(m["disk_bytes"].get<std::uint64_t>()).c_str(), timed ? 10 : 0, time.c_str(),
        m["installed"].get<std::string>().empty() ? "" : "installed", m["tried"].get<bool>() ? "" : "untried",
        m["fits_window"].get<bool>() ? "" : (m["tried"].get<bool>() ? " beyond its window" : ", beyond its window"));
  }
  std::printf(
      "\nRAM (private) and disk (kept reading) are for reading that many tokens%s.\n"
      "untried: of a family that tome runs, figures from its publisher; nobody has tried it with tome.\n"
      "beyond its window: tome ask stretches RoPE with --context; answers suffer. tome pull NAME gets a model.\n",
      timed ? ", the time is an estimate from this machine's measured peak" : "");
}

void run(const Flags& flags) {
  std::string text;
  double rate = 0;
  if (!flags.file.empty()) {
    const Document document = read_documents({flags.file});
    print_notes(document);
    text = document.text;
    Threads threads(flags.threads > 0 ? flags.threads : usable_cores());
    rate = measure_bf16(threads);
  }
  const std::int64_t tokens = parse_count("--tokens", flags.tokens);
  json models = json::array();
  for (const KnownModel& model : known_models()) {
    models.push_back(describe(model, flags.file.empty() ? Length{tokens, true} : length_for(model, text), rate));
  }
  if (flags.json_output) {
    std::cout << json{{"schema_version", 1}, {"models", models}}.dump(2) << '\n';
  } else {
    print(models, rate > 0);
  }
  finish_stdout();
}

}  // namespace

void add_models(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      app.add_subcommand("models", "the models tome knows: window, licence, what reading takes, which are here");
  command->footer(
      "examples:\n  tome models\n  tome models book.epub      for this text, with the time to read it here\n  tome "
      "models --tokens 32k --json");
  command->add_option("FILE", flags->file, "a document to be read");
  command->add_option("--tokens", flags->tokens, "how many tokens to reckon with when there is no FILE")
      ->capture_default_str();
  command->add_option("-t,--threads", flags->threads, "threads; default: the physical cores this process may use")
      ->envname("TOME_THREADS")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--json", flags->json_output, "one JSON object on stdout");
  command->callback([flags] { run(*flags); });
}

}  // namespace tome::cli
