#include "eval/scorers/accepted_answer.h"

#include <algorithm>

#include "text/encoding.h"
#include "text/letters.h"
#include "text/utf8.h"

namespace tome::eval {
namespace {

void append_straight(std::string& out, char32_t code) {
  if (code == U'\u2018' || code == U'\u2019') code = U'\'';
  if (code == U'\u201C' || code == U'\u201D') code = U'"';
  if (code != U'_') append_utf8(out, code);
}

bool word_before(std::string_view text, std::size_t at) {
  if (at == 0) return false;
  std::size_t begin = at - 1;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return is_word_character(read_utf8(text, begin).code);
}

bool word_at(std::string_view text, std::size_t at) {
  return at < text.size() && is_word_character(read_utf8(text, at).code);
}

std::string_view first_line(std::string_view text) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    if (!fold_answer(line).empty()) return line;
    begin = end + 1;
  }
  return {};
}

}  // namespace

std::string fold_answer(std::string_view text) {
  const std::string valid = valid_utf8(text);
  std::string straight;
  for (std::size_t at = 0; at < valid.size();) {
    const Utf8Char character = read_utf8(valid, at);
    append_straight(straight, character.code);
    at += character.bytes;
  }
  const std::string lower = lower_case(straight);
  std::string out;
  bool blank = false;
  for (std::size_t at = 0; at < lower.size();) {
    const Utf8Char character = read_utf8(lower, at);
    const bool space = is_white_space(character.code);
    if (!space && blank && !out.empty()) out += ' ';
    if (!space) out += lower.substr(at, character.bytes);
    blank = space;
    at += character.bytes;
  }
  return out;
}

bool contains_answer(std::string_view text, std::string_view answer) {
  const std::string inside = fold_answer(text), wanted = fold_answer(answer);
  if (wanted.empty()) return false;
  for (std::size_t at = inside.find(wanted); at != std::string::npos; at = inside.find(wanted, at + 1)) {
    if (!word_before(inside, at) && !word_at(inside, at + wanted.size())) return true;
  }
  return false;
}

bool is_accepted(std::string_view output, std::span<const std::string> accepted) {
  const std::string_view line = first_line(output);
  return std::any_of(accepted.begin(), accepted.end(),
                     [&](const std::string& answer) { return contains_answer(line, answer); });
}

}  // namespace tome::eval
