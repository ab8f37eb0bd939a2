// Flags from files: the configuration file, below the environment and the command line; and a command's own settings.
#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace tome::cli {

/// $XDG_CONFIG_HOME/tome/config.toml, or ~/.config/tome/config.toml; empty when neither variable is set.
std::filesystem::path settings_path();

/// Makes the file's values the defaults of all commands: a key at the top is for every command that has the flag
/// (model = "smollm2"), a key in a table for that command alone ([ask] max-tokens = 400). Flags and TOME_* go before.
/// No file is no error. Throws UserError naming file, line and key for a file that is no TOML, a command or flag that
/// does not exist, and a value that the flag does not take.
void apply_settings(CLI::App& app, const std::filesystem::path& file);

/// The flags of one command from a file that the command line names (tome train --settings FILE), each by its long
/// name. They go before TOME_* and the configuration file; flags on the command line go before them.
class CommandSettings {
 public:
  /// While the command line is parsed. Throws UserError naming file, line and key for a file that is no TOML, and a
  /// flag that the command does not have.
  void load(CLI::App& command, const std::filesystem::path& file);
  /// After the command line was parsed. `instead`: pairs of flags that stand for one another: when the command line
  /// gives one, the file's other one is left out. Throws UserError naming file, line, key and what is allowed.
  void apply(std::span<const std::array<const char*, 2>> instead) const;

 private:
  struct Value {
    CLI::Option* option = nullptr;
    std::vector<std::string> texts;  // more than one of a list
    std::string where;               // "run.toml:3: rank"
  };
  CLI::App* command_ = nullptr;
  std::vector<Value> values_;
};

}  // namespace tome::cli
