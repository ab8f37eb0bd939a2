// IEEE binary16 to and from f32, without hardware support (generic x86-64 has none) and without branches, so that loops
// over it vectorise.
#pragma once

#include <bit>
#include <cstdint>

namespace tome {

/// Exact for every input; NaN stays NaN.
inline float f16_to_f32(std::uint16_t half) {
  constexpr std::uint32_t kRebias = (127u - 15u) << 23;
  constexpr std::uint32_t kSmallestNormal = 1u << 23;  // as binary16, shifted to where f32 keeps it
  constexpr std::uint32_t kInfinity = 31u << 23;
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t magnitude = (half & 0x7fffu) << 13;
  const std::uint32_t normal = magnitude + kRebias + (magnitude >= kInfinity ? kRebias : 0u);
  // A subnormal is mantissa * 2^-24: give it the exponent of 2^-14 as a leading one, then take that one away.
  const float subnormal = std::bit_cast<float>(magnitude + kRebias + kSmallestNormal) - 0x1p-14f;
  const std::uint32_t bits = magnitude < kSmallestNormal ? std::bit_cast<std::uint32_t>(subnormal) : normal;
  return std::bit_cast<float>(bits | sign);
}

/// Rounds to nearest even; too large becomes infinity; NaN stays NaN.
inline std::uint16_t f32_to_f16(float value) {
  constexpr std::uint32_t kF32Infinity = 0x7f800000u;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  std::uint32_t half = 0;
  if (magnitude > kF32Infinity) {
    half = 0x7e00u;
  } else if (magnitude >= 0x47800000u) {  // 65536 and above; 65520..65535 round up to infinity below
    half = 0x7c00u;
  } else if (magnitude < 0x38800000u) {  // below 2^-14: adding 0.5 leaves multiples of 2^-24 in the low bits, rounded
    half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - std::bit_cast<std::uint32_t>(0.5f);
  } else {
    half = (magnitude - ((127u - 15u) << 23) + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  }
  return static_cast<std::uint16_t>(sign | half);
}

}  // namespace tome
