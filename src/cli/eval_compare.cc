// tome eval compare RUN RUN...: runs side by side.
#include <iostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "eval/compare.h"

namespace tome::cli {
namespace {

struct Flags {
  std::vector<std::string> runs;
  std::string out;
};

void run(const Flags& flags) {
  std::vector<eval::ComparedRun> runs;
  for (const std::string& path : flags.runs) runs.push_back(eval::load_run(path));
  const eval::Comparison comparison = eval::compare_runs(std::move(runs));
  std::cout << eval::comparison_markdown(comparison);
  finish_stdout();
  if (!flags.out.empty()) eval::write_comparison(flags.out, comparison);
}

}  // namespace

void add_eval_compare(CLI::App& eval) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = eval.add_subcommand("compare", "runs side by side, with a paired test");
  command->footer(
      "example:\n  tome eval compare run run-smollm2 --out compared\n\n"
      "Only samples that both runs have are tested in pairs.");
  command->add_option("RUN", flags->runs, "folders that tome eval --out made")->required()->expected(1, 100);
  command->add_option("-o,--out", flags->out, "folder for compare.md, compare.json and compare.html");
  command->callback([flags] { run(*flags); });
}

}  // namespace tome::cli
