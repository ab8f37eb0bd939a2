// A text rewritten before it is cut into tokens (invalid UTF-8 mended, a space put in front), and the way back to the
// bytes it was.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tome {

class Rewriter {
 public:
  /// Bytes that stay as they are.
  void keep(std::string_view bytes);
  /// `now` in the place of `was` bytes; `now` is not empty.
  void replace(std::size_t was, std::string_view now);

  const std::string& text() const { return text_; }

  /// Turns rising positions in text() into positions in the original: inside a replacement, as far from its beginning,
  /// but never past its last byte.
  void to_original(std::span<std::uint32_t> positions) const;

 private:
  struct Anchor {
    std::uint32_t now;
    std::uint32_t was;
    std::uint32_t now_bytes;
    std::uint32_t was_bytes;
  };
  std::string text_;
  std::size_t was_ = 0;
  std::vector<Anchor> anchors_;  // one for each replacement
};

/// The text with U+FFFD for what is not UTF-8 (see read_utf8).
Rewriter mend_utf8(std::string_view text);

}  // namespace tome
