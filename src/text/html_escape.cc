#include "text/html_escape.h"

#include <cstddef>

#include "text/utf8.h"

namespace tome {

std::string escape_html(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char character = read_utf8(text, at);
    const std::string_view bytes = text.substr(at, character.bytes);
    at += character.bytes;
    const char32_t code = character.code;
    const bool control = (code < 0x20 && code != '\n' && code != '\t') || (code >= 0x7f && code < 0xa0);
    if (!character.valid || control) {
      append_utf8(out, 0xfffd);
    } else if (code == '&') {
      out += "&amp;";
    } else if (code == '<') {
      out += "&lt;";
    } else if (code == '>') {
      out += "&gt;";
    } else if (code == '"') {
      out += "&quot;";
    } else if (code == '\'') {
      out += "&#39;";
    } else {
      out += bytes;
    }
  }
  return out;
}

}  // namespace tome
