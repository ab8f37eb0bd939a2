// A file of named byte arrays and a few words about them, written whole or not at all and verified as it is opened: a
// safetensors file whose metadata holds the XXH3 hash of everything else.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "formats/safetensors.h"

namespace tome {

using StateWords = std::map<std::string, std::string>;
using StateParts = std::map<std::string, std::span<const std::byte>>;

/// Replaces `path` at once; when this returns, a power failure no longer loses it. Throws UserError naming the path and
/// the system's reason; what was at `path` is then still there.
void write_state_file(const std::filesystem::path& path, const StateWords& words, const StateParts& parts);

class StateFile {
 public:
  /// Throws UserError `PATH: damaged, ...` when anything is not as it was written.
  explicit StateFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.file().path(); }
  /// Throw UserError when there is none of this name.
  const std::string& word(const std::string& name) const;
  std::span<const std::byte> part(const std::string& name) const;

 private:
  SafetensorsFile file_;
};

}  // namespace tome
