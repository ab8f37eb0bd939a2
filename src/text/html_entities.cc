#include "text/html_entities.h"

#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace tome {
namespace {

constexpr std::size_t kLongestName = 32;   // "CounterClockwiseContourIntegral;"
constexpr std::size_t kLongestLegacy = 6;  // "frac12", which needs no semicolon

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void append_character(std::uint32_t character, std::string& out) {
  // 0x80 to 0x9F are meant as windows-1252; 0 stands for those that it leaves out.
  constexpr std::array<std::uint16_t, 32> kWindows = {0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                                      0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017D, 0,
                                                      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                                      0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};
  if (character >= 0x80 && character <= 0x9F && kWindows[character - 0x80] != 0) character = kWindows[character - 0x80];
  if (character == 0 || character > 0x10FFFF || U_IS_SURROGATE(character)) character = 0xFFFD;
  if (character == '\r') character = '\n';
  std::array<char, 4> bytes;
  std::size_t size = 0;
  U8_APPEND_UNSAFE(bytes.data(), size, character);
  out.append(bytes.data(), size);
}

// "&#123;" and "&#x7B;" at the beginning of `text`; returns how much was read, 0: no reference.
std::size_t read_number(std::string_view text, std::string& out) {
  const bool hex = text.size() > 2 && (text[2] == 'x' || text[2] == 'X');
  const std::size_t begin = hex ? 3 : 2;
  std::size_t at = begin;
  std::uint32_t value = 0;
  for (; at < text.size() && (hex ? hex_value(text[at]) >= 0 : is_digit(text[at])); ++at) {
    value = std::min(value * (hex ? 16u : 10u) + static_cast<std::uint32_t>(hex_value(text[at])), 0x110000u);
  }
  if (at == begin) return 0;
  append_character(value, out);
  return at < text.size() && text[at] == ';' ? at + 1 : at;
}

std::optional<HtmlEntity> find_entity(std::string_view name) {
  const auto entities = html_entities();
  const auto found = std::lower_bound(entities.begin(), entities.end(), name,
                                      [](const HtmlEntity& entity, std::string_view key) { return entity.name < key; });
  if (found == entities.end() || found->name != name) return std::nullopt;
  return *found;
}

std::size_t read_name(std::string_view text, std::string& out) {
  std::size_t size = 1;
  while (size < text.size() && size <= kLongestName && is_alphanumeric(text[size])) ++size;
  if (size < text.size() && text[size] == ';') {
    if (const auto entity = find_entity(text.substr(1, size))) {
      out.append(entity->text);
      return size + 1;
    }
  }
  for (std::size_t length = std::min(size - 1, kLongestLegacy); length >= 2; --length) {
    if (const auto entity = find_entity(text.substr(1, length))) {
      out.append(entity->text);
      return length + 1;
    }
  }
  return 0;
}

}  // namespace

void decode_entities(std::string_view text, std::string& out) {
  std::size_t at = 0;
  for (;;) {
    const std::size_t reference = std::min(text.find('&', at), text.size());
    out.append(text.substr(at, reference - at));
    if (reference == text.size()) return;
    const std::string_view rest = text.substr(reference);
    const bool number = rest.size() > 1 && rest[1] == '#';
    const std::size_t used = number ? read_number(rest, out) : read_name(rest, out);
    if (used == 0) out += '&';
    at = reference + std::max<std::size_t>(used, 1);
  }
}

std::string decode_entities(std::string_view text) {
  std::string out;
  decode_entities(text, out);
  return out;
}

}  // namespace tome
