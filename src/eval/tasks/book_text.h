// A book as the question sets of eval_sets/ count it: byte offsets and checksum of its normalised text.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace tome::eval {

struct BookText {
  std::string text;    // UTF-8; a byte order mark at its start dropped, every CRLF as LF, else as in the file
  std::string sha256;  // of `text`
  std::size_t begin =
      0;                // [begin, end) of `text` is the book itself: without Project Gutenberg's header, the line that
  std::size_t end = 0;  // names who typed it, and the licence; the whole text when it has no such marks

  std::string_view body() const { return std::string_view(text).substr(begin, end - begin); }
};

/// Throws UserError naming the path: cannot be read, not UTF-8, a NUL character, no text.
BookText read_book(const std::filesystem::path& path);

}  // namespace tome::eval
