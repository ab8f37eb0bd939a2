// What tome merge and tome convert share: the new file's place and type.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/common.h"
#include "export/export.h"

namespace tome::cli {

struct ExportFlags {
  std::string model = "gemma", adapter, out, type = "BF16", context, rope_scaling;
  int threads = 0;
  bool force = false, quiet = false;

  void add_to(CLI::App& command);
  /// Model (and adapter), opened and stretched as everywhere.
  OpenModel open() const;
  /// Throws UserError when it is there and --force is not given.
  void check_out() const;
  /// To a .gguf file or a folder, with progress.
  void write(const OpenModel& open) const;
};

}  // namespace tome::cli
