// The numbers that an answer says.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tome::eval {

/// Share of the numbers (in digits) that the answer says, each as a whole number: 123 is not in 41235. Commas between
/// digits do not matter: 12,345 says 12345.
double numbers_said(std::string_view answer, std::span<const std::string> numbers);

}  // namespace tome::eval
