// A published file of JSON objects, one a line or all in one list. It is mapped, and each row parsed when it is asked
// for: such files are larger than memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"

namespace tome::eval {

/// A row and where it stands, "FILE:LINE", for errors.
struct JsonRow {
  nlohmann::json fields;  // an object
  std::string where;
  std::size_t line = 0;  // of the file, from 1

  /// Each throws UserError `FILE:LINE: "KEY": reason` when the field is absent or something else.
  const nlohmann::json& field(std::string_view key) const;
  const std::string& text(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const;  // at least one
  std::int64_t number(std::string_view key, std::int64_t least) const;
  const nlohmann::json& list(std::string_view key) const;
  [[noreturn]] void refuse(std::string_view key, std::string_view reason) const;
};

class JsonRows {
 public:
  /// Throws UserError for a file that cannot be read, has no rows, or is a list that does not end.
  explicit JsonRows(const std::filesystem::path& path);

  std::size_t size() const { return rows_.size(); }
  JsonRow row(std::size_t index) const;

 private:
  struct Place {
    std::size_t begin, end, line;
  };
  void find_lines(std::string_view text);
  void find_elements(std::string_view text, std::size_t open);

  MappedFile file_;
  std::vector<Place> rows_;
};

}  // namespace tome::eval
