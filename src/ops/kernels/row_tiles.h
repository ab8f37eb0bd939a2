// Rows in tiles whose height the compiler knows.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace tome::ops::TOME_LEVEL {

/// Calls take(std::integral_constant<int, R>, first row) for tiles of R = kMost rows, then once for what is left.
template <int kMost, typename Take>
inline void for_row_tiles(std::size_t rows, const Take& take) {
  std::size_t row = 0;
  for (; row + kMost <= rows; row += kMost) take(std::integral_constant<int, kMost>{}, row);
  const int left = static_cast<int>(rows - row);
  [&]<int... kFewer>(std::integer_sequence<int, kFewer...>) {
    ((left == kFewer + 1 ? take(std::integral_constant<int, kFewer + 1>{}, row) : void()), ...);
  }
  (std::make_integer_sequence<int, kMost - 1>{});
}

}  // namespace tome::ops::TOME_LEVEL
