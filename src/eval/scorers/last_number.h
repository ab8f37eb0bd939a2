// LongEval's score of a retrieved line.
#pragma once

#include <string>
#include <string_view>

namespace tome::eval {

/// The last run of the digits 0 to 9 in `text`, without leading zeros; empty when there is none. Signs, points and
/// commas are not part of a number: "-5" has 5 and "1,234" ends with 234, as LongEval's eval.py has it.
std::string last_number(std::string_view text);

/// Whether it equals `number`, a whole number in digits.
bool last_number_is(std::string_view text, std::string_view number);

}  // namespace tome::eval
