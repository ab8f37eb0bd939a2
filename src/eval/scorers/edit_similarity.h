// How alike two lines of code are: `fuzz.ratio` of PyPI's fuzzywuzzy 0.18 without python-Levenshtein.
#pragma once

#include <string_view>

namespace tome::eval {

/// Of Python's difflib.SequenceMatcher(None, a, b): twice the characters in matching blocks over all characters, 1 for
/// two empty texts. Characters that are frequent in a long `b` (200 or more) begin no match, as there.
double difflib_ratio(std::u32string_view a, std::u32string_view b);

/// 0..100, whole. With python-Levenshtein installed fuzzywuzzy gives other numbers; LongBench's requirements.txt does
/// not install it (THUDM/LongBench issue 96), so difflib it is.
int fuzz_ratio(std::string_view a, std::string_view b);

}  // namespace tome::eval
