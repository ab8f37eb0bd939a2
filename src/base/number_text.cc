#include "base/number_text.h"

#include <cinttypes>

namespace tome {

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::ptrdiff_t first = number < 0 ? 1 : 0;
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > first; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

std::string hex_digits(std::uint64_t number) { return print("%016" PRIx64, number); }

}  // namespace tome
