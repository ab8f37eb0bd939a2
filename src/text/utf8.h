// UTF-8: reading characters, mending invalid bytes, and streaming whole characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tome {

struct Utf8Char {
  char32_t code = 0;      // U+FFFD when not valid
  std::size_t bytes = 0;  // read from the text, at least 1
  bool valid = false;
};

/// The character at `at` < text.size(). An invalid one takes as many bytes as Python's errors="replace" gives one
/// U+FFFD for: the longest prefix of a valid character, at least one byte (Unicode 3.9, table 3-7).
Utf8Char read_utf8(std::string_view text, std::size_t at);

void append_utf8(std::string& out, char32_t code);

/// The first byte that is not part of a valid character; text.size() when all is valid.
std::size_t find_invalid_utf8(std::string_view text);

/// Takes pieces that may end inside a character, returns whole characters only. Invalid bytes become U+FFFD.
class Utf8Stream {
 public:
  std::string push(std::string_view bytes);
  /// What is left of an unfinished character, as U+FFFD.
  std::string finish();

 private:
  std::string rest_;  // at most three bytes: the beginning of a character
};

}  // namespace tome
