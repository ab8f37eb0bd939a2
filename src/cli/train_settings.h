// The settings of a training run: what it was told, with all defaults; and what its numbers depend on.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cli/common.h"
#include "cli/train_flags.h"
#include "text/layout.h"
#include "train/trainer.h"

namespace tome::cli {

struct Setting {
  std::string name;  // of the flag
  std::string toml;  // its value as TOML has it
  std::string text;  // and for people
};

/// Every flag but --settings, in the order of docs and help. Paths are absolute; `window`, `layout` and `threads` are
/// what the flags came to. Of --steps and --epochs, the one that decides.
std::vector<Setting> effective_settings(const TrainFlags& flags, const Layout& layout, int threads);

/// A file that `tome train --settings` takes. Replaces it at once.
void write_settings(const std::filesystem::path& path, const std::vector<Setting>& settings);

/// Everything that decides the adapter's numbers, by name: a folder with another run's checkpoint is told apart by it.
std::map<std::string, std::string> deciding_settings(const TrainFlags& flags, const OpenModel& open,
                                                     const RunData& data, const Layout& layout, int threads);

}  // namespace tome::cli
