// Where ./run setup puts the published models.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace tome {

/// Of a file name as "gemma.gguf". It may be absent: the test then skips, naming it.
inline std::filesystem::path real_model(const std::string& file) {
  namespace fs = std::filesystem;
  const char* home = std::getenv("HOME");
  const char* data = std::getenv("XDG_DATA_HOME");
  const fs::path base =
      data != nullptr && *data != '\0' ? fs::path(data) : fs::path(home != nullptr ? home : ".") / ".local" / "share";
  return base / "tome" / "models" / file;
}

}  // namespace tome
