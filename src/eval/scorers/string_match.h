// Scores by what an answer contains.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tome::eval {

/// Share of the references that the answer contains, ASCII letters in whatever case: RULER's string_match_all. 0 for no
/// references. A reference inside a longer word counts, as there.
double string_match_all(std::string_view answer, std::span<const std::string> references);

/// 1 when the answer contains any of the references, else 0: RULER's string_match_part.
double string_match_part(std::string_view answer, std::span<const std::string> references);

/// Share of the numbers (in digits) that the answer says, each as a whole number: 123 is not in 41235. Commas between
/// digits do not matter: 12,345 says 12345.
double numbers_said(std::string_view answer, std::span<const std::string> numbers);

}  // namespace tome::eval
