// Where a command's result goes: stdout, or a new file.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/new_file.h"

namespace tome::cli {

/// -o/--out and --force.
struct OutFlags {
  std::string path;
  bool force = false;

  void add_to(CLI::App& command);
};

class Output {
 public:
  /// Throws UserError when the file exists and --force is not given.
  explicit Output(const OutFlags& flags);

  /// Throws UserError naming the place and the reason (a full disk).
  void write(std::string_view text);
  void finish();

 private:
  std::unique_ptr<NewFile> file_;  // null: stdout
};

/// Throws UserError when `path` exists and `force` is false.
void refuse_overwriting(const std::string& path, bool force);
/// A line for people about names and texts from strangers: control characters (line ends, escape sequences of the
/// terminal) as \\xNN, everything else as it is.
std::string one_line(std::string_view text);
/// The fewest digits that read back as the same number.
std::string shortest(double value);
/// "a, b"; "none" of nothing.
std::string joined(const std::vector<std::string>& parts);
/// Flushes stdout. Throws UserError when it cannot take all that was written; a pipe that nobody reads is no error.
void finish_stdout();

}  // namespace tome::cli
