// Characters by their Unicode properties, as Python's str sees them.
#pragma once

#include <string>
#include <string_view>

namespace tome {

/// As str.lower(): by the root locale, in full (a final sigma, "i" with its dot above).
std::string lower_case(std::string_view utf8);
/// As \w of re: letters, numbers, the underscore.
bool is_word_character(char32_t code);
/// As str.isspace().
bool is_white_space(char32_t code);

}  // namespace tome
