// Comma-separated values as RFC 4180 has them: fields in quotes may hold commas, line ends and doubled quotes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"

namespace tome::eval {

class Csv {
 public:
  /// Throws UserError unless the first row names all of `columns`.
  Csv(const std::filesystem::path& path, const std::vector<std::string>& columns);

  struct Row {
    std::vector<std::string> values;  // of `columns`, in that order
    std::string where;                // "FILE:LINE"
  };
  /// Calls on_row for each row, from the file's begin. Throws UserError (file, line, reason) for a row with another
  /// number of fields, quotes that do not end, or bytes that are not UTF-8.
  void for_each(const std::function<void(const Row&)>& on_row) const;

 private:
  std::string_view text() const;
  std::string where(std::size_t line) const;
  /// The fields of the row at `at`, which it moves behind them; counts `line` on.
  std::vector<std::string> read(std::size_t& at, std::size_t& line) const;

  MappedFile file_;
  std::vector<std::size_t> columns_;  // where each wanted one stands
  std::size_t width_ = 0;
};

}  // namespace tome::eval
