#include "cli/export_flags.h"

#include <filesystem>
#include <iostream>

#include "base/error.h"
#include "cli/output.h"
#include "cli/progress.h"

namespace tome::cli {
namespace {

namespace fs = std::filesystem;

TensorType parse_type(const std::string& name) {
  for (const TensorType type : {TensorType::kF32, TensorType::kF16, TensorType::kBF16, TensorType::kQ8_0,
                                TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ4_K}) {
    if (info(type).name == name) return type;
  }
  throw_user_error("--type: got \"", name, "\", expected F32, F16, BF16, Q8_0, Q4_0, Q4_1 or Q4_K");
}

bool is_gguf(const std::string& out) { return fs::path(out).extension() == ".gguf"; }

}  // namespace

void ExportFlags::add_to(CLI::App& command) {
  command.add_option("-m,--model", model, "a name (gemma, smollm2), a .gguf file, or a Hugging Face folder")
      ->envname("TOME_MODEL")
      ->capture_default_str();
  command.add_option("-o,--out", out, "the new model: FILE.gguf, or a folder for transformers")->required();
  command.add_option("--type", type, "F32, F16 or BF16; in a .gguf also Q8_0, Q4_0, Q4_1 or Q4_K")
      ->capture_default_str();
  command.add_option("--context", context, "tokens the new model holds; stretches RoPE when needed");
  command.add_option("--rope-scaling", rope_scaling, "none, linear:F, ntk:F, dynamic:F, yarn:F or llama3:F");
  command.add_option("-t,--threads", threads, "threads; default: the physical cores this process may use")
      ->envname("TOME_THREADS")
      ->check(CLI::Range(1, 1024));
  command.add_flag("--force", force, "replace what is there");
  command.add_flag("-q,--quiet", quiet, "only errors on stderr");
}

OpenModel ExportFlags::open() const {
  ModelFlags flags;
  flags.model = model;
  flags.adapter = adapter;
  flags.context = context;
  flags.rope_scaling = rope_scaling;
  flags.quiet = quiet;
  return open_model(flags);
}

void ExportFlags::check_out() const { refuse_overwriting(out, force); }

void ExportFlags::write(const OpenModel& open) const {
  if (file_exists(out) && fs::equivalent(out, open.model->path())) {
    throw_user_error("--out ", out, ": is the model itself; write to another place");
  }
  Threads team(threads > 0 ? threads : usable_cores());
  ProgressLine line(quiet);
  ExportOptions options;
  options.out = out;
  options.type = parse_type(type);
  options.progress = [&](std::size_t done, std::size_t all) {
    line.show(cat("writing ", out), static_cast<double>(done), static_cast<double>(all), 0);
  };
  (is_gguf(out) ? export_gguf : export_folder)(*open.model, open.adapter.get(), team, options);
  line.clear();
  if (!quiet) std::cerr << "wrote " << out << '\n';
}

}  // namespace tome::cli
