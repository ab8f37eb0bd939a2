// tome data: training sets counted, checked and built.
#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/data_commands.h"

namespace tome::cli {

void add_data(CLI::App& app) {
  CLI::App* command = app.add_subcommand("data", "training sets: count, check or build them");
  command->footer(
      "examples:\n  tome data stats qa.jsonl --html qa.html\n  tome data check qa.jsonl --against test.jsonl\n"
      "  tome data build --books novels --mix order=1,keys=2 --rows 200 -o train.jsonl\n\n"
      "The shapes of rows are in docs/training-data.md.");
  command->require_subcommand(1);
  add_data_build(*command);
  add_data_check(*command);
  add_data_stats(*command);
}

}  // namespace tome::cli
