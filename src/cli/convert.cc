// tome convert: a model between GGUF and Hugging Face folders, an adapter to GGUF LoRA.
#include <iostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/export_flags.h"

namespace tome::cli {
namespace {

void convert_adapter(const ExportFlags& flags) {
  if (!flags.out.ends_with(".gguf")) {
    throw_user_error("--out ", flags.out, ": an adapter is converted to a .gguf file; give it a name that ends so");
  }
  const Model model(find_model(flags.model));
  export_gguf_lora(load_adapter(flags.adapter, model.config()), model.config(), flags.out);
  if (!flags.quiet) std::cerr << "wrote " << flags.out << '\n';
}

}  // namespace

void add_convert(CLI::App& app) {
  auto flags = std::make_shared<ExportFlags>();
  CLI::App* command = app.add_subcommand("convert", "write a model as GGUF or for transformers, an adapter as GGUF");
  command->footer(
      "examples:\n  tome convert -m gemma -o ./gemma-folder                         GGUF to a folder\n"
      "  tome convert -m ./SmolLM2-135M -o smol.gguf --type Q4_K         and back\n"
      "  tome convert -m gemma --adapter my-adapter -o lora.gguf         for llama.cpp's --lora\n\n"
      "Tokenizer and chat template come along.");
  command->add_option("--adapter", flags->adapter, "convert this adapter of the model, not the model");
  flags->add_to(*command);
  command->callback([flags] {
    flags->check_out();
    if (flags->adapter.empty()) {
      flags->write(flags->open());
    } else {
      convert_adapter(*flags);
    }
  });
}

}  // namespace tome::cli
