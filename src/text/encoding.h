// Bytes in any encoding to clean UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tome {

struct Decoded {
  std::string text;          // valid UTF-8: no BOM, no NUL, LF line ends
  std::string encoding;      // ICU's name: "UTF-8", "windows-1252", ...
  bool guessed = false;      // by statistics only: no BOM, not UTF-8, nothing declared
  std::size_t replaced = 0;  // places that were no character of the encoding; each is U+FFFD now
  std::size_t nuls = 0;      // NUL characters: dropped, they are padding and never text
  std::size_t controls = 0;  // other control characters that no text needs; kept
};

/// The order of trust: a BOM; UTF-16 and UTF-32 without one (only text that holds NUL bytes); valid UTF-8; `declared`
/// (as in <meta charset>; unknown names are ignored); UTF-8 with few faults; what ICU's detector thinks; windows-1252.
/// Takes any bytes and never throws UserError: whether the result is a text is for looks_binary to say.
Decoded decode_text(std::string_view bytes, std::string_view declared = {});

/// Bytes that are known to be UTF-8.
Decoded decode_utf8(std::string_view bytes);

/// More NUL or control characters than a damaged text would have.
bool looks_binary(const Decoded& decoded);

/// The text itself when it is valid UTF-8, else with U+FFFD for what is not.
std::string valid_utf8(std::string_view text);

}  // namespace tome
