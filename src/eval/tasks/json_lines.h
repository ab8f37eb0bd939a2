// Files with a JSON object a line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace tome::eval {

/// An object of such a file, and where it stands for messages ("FILE: line 3").
struct JsonLine {
  nlohmann::json object;
  std::string where;
  std::size_t number = 0;  // from 1

  /// Throw UserError: `FILE: line 3: "name" is ..., expected ...`.
  const std::string& text(std::string_view name) const;
  std::int64_t number_of(std::string_view name, std::int64_t least) const;
  const nlohmann::json& array(std::string_view name) const;
};

/// Calls `use` for each line that is not blank until it returns false. Throws UserError naming file, line and reason;
/// also for a file without any.
void read_json_lines(const std::filesystem::path& path, const std::function<bool(const JsonLine&)>& use);

}  // namespace tome::eval
