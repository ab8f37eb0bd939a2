// Letters, digits and white space as Python's str and re see them: the published scorers of data sets are written in
// it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tome {

/// Full case mapping without a locale (Unicode 3.13), as str.lower and str.upper. Invalid UTF-8 becomes U+FFFD.
/// Throws UserError for more than kMaxCasedBytes.
constexpr std::size_t kMaxCasedBytes = std::size_t{256} << 20;
std::string lower_case(std::string_view text);
std::string upper_case(std::string_view text);

/// As str.isspace: bidirectional class WS, B or S, or general category Zs.
bool is_white_space(char32_t code);

/// As \w of re: a letter, a number of any kind or "_"; no combining mark.
bool is_word_character(char32_t code);

/// 0..9 for a decimal digit of any script (\d of re, category Nd), else -1.
int digit_value(char32_t code);

}  // namespace tome
