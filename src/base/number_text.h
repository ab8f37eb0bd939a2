// Numbers as text.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

namespace tome {

/// As printf prints numbers: print("%.2f", 0.5). At most 255 characters.
template <typename... Numbers>
std::string print(const char* format, Numbers... numbers) {
  std::array<char, 256> text;
  std::snprintf(text.data(), text.size(), format, numbers...);
  return text.data();
}

/// "100,352"
std::string grouped(std::int64_t number);

/// 16 hexadecimal digits.
std::string hex_digits(std::uint64_t number);

}  // namespace tome
