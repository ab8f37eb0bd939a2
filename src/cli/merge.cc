// tome merge: a model with an adapter added, as a file of its own.
#include "base/error.h"
#include "cli/commands.h"
#include "cli/export_flags.h"

namespace tome::cli {

void add_merge(CLI::App& app) {
  auto flags = std::make_shared<ExportFlags>();
  CLI::App* command = app.add_subcommand("merge", "add an adapter to its model and write the sum");
  command->footer(
      "examples:\n  tome merge -m gemma --adapter my-adapter -o mine.gguf --type Q8_0\n"
      "  tome merge -m ./SmolLM2-135M --adapter my-adapter -o ./mine      a folder for transformers\n\n"
      "RoPE scaling comes from the adapter's tome.json. Under Q4_K, rows that 256 does not divide become Q5_0; a\n"
      "4-bit file keeps the output matrix in Q6_K, or Q8_0.");
  command->add_option("--adapter", flags->adapter, "a trained adapter: a folder that tome train or PEFT wrote")
      ->required();
  flags->add_to(*command);
  command->callback([flags] {
    flags->check_out();
    flags->write(flags->open());
  });
}

}  // namespace tome::cli
