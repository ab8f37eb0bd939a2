#include "text/utf8.h"

#include <cstdint>
#include <cstring>

namespace tome {
namespace {

/// What a first byte asks for: how many bytes in all (0: never a first byte), and the range of the second one.
struct Lead {
  unsigned bytes;
  unsigned char low;
  unsigned char high;
};

Lead lead(unsigned char first) {
  if (first < 0x80) return {1, 0, 0};
  if (first < 0xC2) return {0, 0, 0};
  if (first < 0xE0) return {2, 0x80, 0xBF};
  if (first < 0xF0)
    return {3, first == 0xE0 ? std::uint8_t{0xA0} : std::uint8_t{0x80},
            first == 0xED ? std::uint8_t{0x9F} : std::uint8_t{0xBF}};
  if (first < 0xF5)
    return {4, first == 0xF0 ? std::uint8_t{0x90} : std::uint8_t{0x80},
            first == 0xF4 ? std::uint8_t{0x8F} : std::uint8_t{0xBF}};
  return {0, 0, 0};
}

/// Whether `rest` is a beginning, not the whole, of a valid character.
bool is_unfinished(std::string_view rest) {
  if (rest.empty() || rest.size() >= lead(static_cast<unsigned char>(rest[0])).bytes) return false;
  return read_utf8(rest, 0).bytes == rest.size();
}

}  // namespace

Utf8Char read_utf8(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return {first, 1, true};
  const Lead want = lead(first);
  if (want.bytes == 0) return {0xFFFD, 1, false};
  char32_t code = first & (0x7Fu >> want.bytes);
  for (std::size_t i = 1; i < want.bytes; ++i) {
    if (at + i == text.size()) return {0xFFFD, i, false};
    const auto byte = static_cast<unsigned char>(text[at + i]);
    const unsigned char low = i == 1 ? want.low : 0x80;
    const unsigned char high = i == 1 ? want.high : 0xBF;
    if (byte < low || byte > high) return {0xFFFD, i, false};
    code = (code << 6) | (byte & 0x3Fu);
  }
  return {code, want.bytes, true};
}

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

std::size_t find_invalid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (at + 8 <= text.size()) {  // eight ASCII bytes at a time
      std::uint64_t eight;
      std::memcpy(&eight, text.data() + at, 8);
      if ((eight & 0x8080808080808080u) == 0) {
        at += 8;
        continue;
      }
    }
    const Utf8Char c = read_utf8(text, at);
    if (!c.valid) return at;
    at += c.bytes;
  }
  return text.size();
}

std::string Utf8Stream::push(std::string_view bytes) {
  rest_ += bytes;
  std::string whole;
  std::size_t at = 0;
  while (at < rest_.size()) {
    if (is_unfinished(std::string_view(rest_).substr(at, 4))) break;
    const Utf8Char c = read_utf8(rest_, at);
    append_utf8(whole, c.code);
    at += c.bytes;
  }
  rest_.erase(0, at);
  return whole;
}

std::string Utf8Stream::finish() {
  std::string end = rest_.empty() ? "" : "\xEF\xBF\xBD";
  rest_.clear();
  return end;
}

}  // namespace tome
