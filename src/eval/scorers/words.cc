#include "eval/scorers/words.h"

#include <algorithm>
#include <array>

#include "text/letters.h"
#include "text/utf8.h"

namespace tome::eval {
namespace {

bool is_ascii_punctuation(char32_t code) {
  return (code >= 0x21 && code <= 0x2F) || (code >= 0x3A && code <= 0x40) || (code >= 0x5B && code <= 0x60) ||
         (code >= 0x7B && code <= 0x7E);
}

struct Range {
  char32_t first, last;
};

// What LongBench's metrics.py lists; U+300A, the opening partner of U+300B, is not among it.
constexpr std::array<Range, 15> kChinesePunctuation = {{{0x2013, 0x2014},
                                                        {0x2018, 0x2019},
                                                        {0x201B, 0x201F},
                                                        {0x2026, 0x2027},
                                                        {0x3001, 0x3003},
                                                        {0x300B, 0x3011},
                                                        {0x3014, 0x301F},
                                                        {0x3030, 0x3030},
                                                        {0x303E, 0x303F},
                                                        {0xFE4F, 0xFE4F},
                                                        {0xFF01, 0xFF0D},
                                                        {0xFF0F, 0xFF0F},
                                                        {0xFF1A, 0xFF20},
                                                        {0xFF3B, 0xFF40},
                                                        {0xFF5B, 0xFF64}}};

bool is_chinese_punctuation(char32_t code) {
  return std::any_of(kChinesePunctuation.begin(), kChinesePunctuation.end(),
                     [&](const Range& range) { return code >= range.first && code <= range.last; });
}

template <typename LeaveOut>
std::string without(std::string_view text, const LeaveOut& leave_out) {
  std::string kept;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char character = read_utf8(text, at);
    if (!leave_out(character.code)) kept.append(text.substr(at, character.bytes));
    at += character.bytes;
  }
  return kept;
}

// Calls on_run for each maximal run of characters that `belongs` accepts.
template <typename Belongs, typename OnRun>
void for_each_run(std::string_view text, const Belongs& belongs, const OnRun& on_run) {
  std::size_t begin = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char character = read_utf8(text, at);
    const bool now = belongs(character.code);
    if (now && !inside) begin = at;
    if (!now && inside) on_run(begin, at);
    inside = now;
    at += character.bytes;
  }
  if (inside) on_run(begin, text.size());
}

std::string without_articles(std::string_view text) {
  std::string result;
  std::size_t copied = 0;
  for_each_run(text, is_word_character, [&](std::size_t begin, std::size_t end) {
    const std::string_view word = text.substr(begin, end - begin);
    if (word != "a" && word != "an" && word != "the") return;
    result.append(text.substr(copied, begin - copied)).append(" ");
    copied = end;
  });
  result.append(text.substr(copied));
  return result;
}

bool is_text(char32_t code) { return !is_white_space(code); }

}  // namespace

std::string_view strip(std::string_view text) {
  std::size_t first = text.size(), last = 0;
  for_each_run(text, is_text, [&](std::size_t begin, std::size_t end) {
    first = std::min(first, begin);
    last = end;
  });
  return first < last ? text.substr(first, last - first) : std::string_view();
}

Words split_words(std::string_view text) {
  Words words;
  for_each_run(text, is_text,
               [&](std::size_t begin, std::size_t end) { words.emplace_back(text.substr(begin, end - begin)); });
  return words;
}

std::vector<std::string_view> split_at(std::string_view text, char mark) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const std::size_t end = text.find(mark);
    pieces.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return pieces;
    text.remove_prefix(end + 1);
  }
}

std::string_view first_line(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of('\n'), text.size()));
  return text.substr(0, text.find('\n'));
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  for (;;) {
    const std::size_t found = text.find(from);
    result.append(text.substr(0, found));
    if (found == std::string_view::npos) return result;
    result.append(to);
    text.remove_prefix(found + from.size());
  }
}

std::string blank(std::string_view text, std::string_view characters) {
  std::string result(text);
  for (char& byte : result) {
    if (characters.find(byte) != std::string_view::npos) byte = ' ';
  }
  return result;
}

std::u32string characters(std::string_view text) {
  std::u32string result;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char character = read_utf8(text, at);
    result.push_back(character.code);
    at += character.bytes;
  }
  return result;
}

std::vector<std::string_view> digit_runs(std::string_view text) {
  std::vector<std::string_view> runs;
  for_each_run(
      text, [](char32_t code) { return digit_value(code) >= 0; },
      [&](std::size_t begin, std::size_t end) { runs.push_back(text.substr(begin, end - begin)); });
  return runs;
}

std::string normalize_answer(std::string_view text) {
  std::string result;
  for (const std::string& word : split_words(without_articles(without(lower_case(text), is_ascii_punctuation)))) {
    if (!result.empty()) result += ' ';
    result += word;
  }
  return result;
}

Words plain_words(std::string_view text) { return split_words(without(lower_case(text), is_ascii_punctuation)); }

std::string normalize_chinese(std::string_view text) {
  return without(lower_case(text), [](char32_t code) {
    return is_white_space(code) || is_ascii_punctuation(code) || is_chinese_punctuation(code);
  });
}

}  // namespace tome::eval
