// The configuration file: defaults for flags, below the environment and the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>

namespace tome::cli {

/// $XDG_CONFIG_HOME/tome/config.toml, or ~/.config/tome/config.toml; empty when neither variable is set.
std::filesystem::path settings_path();

/// Makes the file's values the defaults of all commands: a key at the top is for every command that has the flag
/// (model = "smollm2"), a key in a table for that command alone ([ask] max-tokens = 400). Flags and TOME_* go before.
/// No file is no error. Throws UserError naming file, line and key for a file that is no TOML, a command or flag that
/// does not exist, and a value that the flag does not take.
void apply_settings(CLI::App& app, const std::filesystem::path& file);

}  // namespace tome::cli
