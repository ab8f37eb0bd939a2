// tome data check FILE...: what is wrong with a training set.
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/number_text.h"
#include "cli/common.h"
#include "cli/data_commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/validators.h"
#include "data/check.h"
#include "data/row_reader.h"

namespace tome::cli {
namespace {

using nlohmann::json;

constexpr int kFound = 3;  // exit code

struct Flags {
  std::vector<std::string> files, against, ignored;
  data::CheckOptions options;
  std::size_t show = 10;
  int threads = 0;
  bool json = false, quiet = false;
};

json to_json(const data::CheckResult& result) {
  json counts = json::object(), findings = json::array();
  for (std::size_t i = 0; i < data::kFaults; ++i) {
    if (result.counts[i] > 0) counts[data::to_string(static_cast<data::Fault>(i))] = result.counts[i];
  }
  for (const data::Finding& finding : result.findings) {
    findings.push_back(
        {{"fault", data::to_string(finding.fault)}, {"place", finding.place}, {"detail", finding.detail}});
  }
  return {{"schema_version", 1},
          {"rows", result.rows},
          {"clean", result.clean()},
          {"counts", counts},
          {"findings", findings}};
}

void print(const data::CheckResult& result, std::size_t show) {
  for (std::size_t i = 0; i < data::kFaults; ++i) {
    if (result.counts[i] == 0) continue;
    std::cout << data::to_string(static_cast<data::Fault>(i)) << ": " << grouped(result.counts[i]) << '\n';
    std::int64_t shown = 0;
    for (const data::Finding& finding : result.findings) {
      if (finding.fault != static_cast<data::Fault>(i) || shown == static_cast<std::int64_t>(show)) continue;
      std::cout << "  " << one_line(finding.place) << ": " << one_line(finding.detail) << '\n';
      ++shown;
    }
    if (result.counts[i] > shown) std::cout << "  and " << grouped(result.counts[i] - shown) << " more\n";
  }
  std::cout << grouped(result.rows) << (result.rows == 1 ? " row" : " rows")
            << (result.clean() ? ", nothing found\n" : " checked\n");
}

void run(Flags& flags) {
  const std::vector<std::filesystem::path> files = data::row_files({flags.files.begin(), flags.files.end()});
  if (!flags.against.empty()) flags.options.against = data::row_files({flags.against.begin(), flags.against.end()});
  for (const std::string& name : flags.ignored) flags.options.ignored.insert(data::parse_fault(name));
  std::uint64_t total = 0;
  for (const std::filesystem::path& file : files) total += std::filesystem::file_size(file);
  Threads threads(flags.threads > 0 ? flags.threads : usable_cores());
  ProgressLine line(flags.quiet);
  const data::CheckResult result = data::check_rows(
      files, threads, flags.options, [&](std::uint64_t done) { line.show_bytes("checking", done, total, 0); });
  line.clear();
  if (!flags.quiet) {
    for (const std::string& note : result.notes) std::cerr << "note: " << one_line(note) << '\n';
  }
  if (flags.json) {
    std::cout << to_json(result).dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
  } else {
    print(result, flags.show);
  }
  if (result.clean()) return;
  finish_stdout();
  throw CLI::RuntimeError(kFound);
}

}  // namespace

void add_data_check(CLI::App& data) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      data.add_subcommand("check", "broken rows, cut answers, duplicates, leaked evaluations, licences");
  command->footer(
      "examples:\n  tome data check train.jsonl\n  tome data check train/ --against test.jsonl --ignore no-licence\n\n"
      "Exit code 3 when something is found, 0 when nothing is.");
  command->add_option("FILE", flags->files, "JSONL files, or folders of them")->required();
  command->add_option("--against", flags->against, "rows of an evaluation, which must not be in FILE");
  command->add_flag("--extractive", flags->options.extractive, "every answer must stand in its document");
  command->add_option("--similarity", flags->options.similarity, "of near duplicates: Jaccard, runs of five words")
      ->check(between(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--overlap", flags->options.overlap, "share of a document that may not be the evaluation's")
      ->check(between(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--ignore", flags->ignored, "kinds of findings to leave out, e.g. no-licence,cut-answer")
      ->delimiter(',');
  command->add_option("--show", flags->show, "findings of a kind to print")->capture_default_str();
  command->add_flag("--json", flags->json, "one JSON object on stdout, the first 10,000 findings of a kind");
  command->add_option("-t,--threads", flags->threads, "default: the physical cores this process may use")
      ->envname("TOME_THREADS")
      ->check(CLI::Range(1, 1024));
  command->add_flag("-q,--quiet", flags->quiet, "only errors on stderr");
  command->callback([flags] { run(*flags); });
}

}  // namespace tome::cli
