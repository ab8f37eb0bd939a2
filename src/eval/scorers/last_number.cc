#include "eval/scorers/last_number.h"

namespace tome::eval {

std::string last_number(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  const std::size_t last = text.find_last_of(kDigits);
  if (last == std::string_view::npos) return {};
  text = text.substr(0, last + 1);
  const std::size_t before = text.find_last_not_of(kDigits);
  if (before != std::string_view::npos) text.remove_prefix(before + 1);
  const std::size_t significant = text.find_first_not_of('0');
  return significant == std::string_view::npos ? "0" : std::string(text.substr(significant));
}

bool last_number_is(std::string_view text, std::string_view number) {
  const std::string found = last_number(text);
  return !found.empty() && found == last_number(number);
}

}  // namespace tome::eval
