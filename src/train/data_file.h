// Files of lines that are never held in memory: read once from end to end, later line by line at its place. The file is
// opened anew each time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace tome {

/// A line without its end: bytes [offset, offset + bytes) of the file.
struct LinePlace {
  std::int64_t number = 0;  // from 1
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

// All throw UserError naming the path when it cannot be read or is not a regular file.

/// Calls `use` with each line, but for blank ones and a BOM before the first. A line longer than `longest` comes with
/// an empty text. Holds one line at a time.
void each_line(const std::filesystem::path& path, std::uint64_t longest,
               const std::function<void(const LinePlace&, std::string_view)>& use);

/// The line at its place; UserError when the file has become shorter.
std::string read_line(const std::filesystem::path& path, const LinePlace& place);

/// The first byte that is not white space; 0 when the first 64 KiB hold none.
char first_byte(const std::filesystem::path& path);

}  // namespace tome
