#include "eval/scorers/numbers_said.h"

#include <algorithm>
#include <set>

namespace tome::eval {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

double share(std::size_t found, std::size_t count) {
  return count == 0 ? 0 : static_cast<double>(found) / static_cast<double>(count);
}

}  // namespace

double numbers_said(std::string_view answer, std::span<const std::string> numbers) {
  std::set<std::string> said;
  std::string number;
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const bool comma = answer[i] == ',' && !number.empty() && i + 1 < answer.size() && is_digit(answer[i + 1]);
    if (is_digit(answer[i])) number += answer[i];
    if (is_digit(answer[i]) || comma) continue;
    said.insert(number);
    number.clear();
  }
  said.insert(number);
  const auto is_said = [&](const std::string& one) { return said.contains(one); };
  return share(static_cast<std::size_t>(std::count_if(numbers.begin(), numbers.end(), is_said)), numbers.size());
}

}  // namespace tome::eval
