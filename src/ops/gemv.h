// Products of stored, still quantised weight rows with one vector: the linear layers of decoding, bound by the speed of
// memory. Each weight byte is read once and never unpacked to memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "formats/tensor_view.h"

namespace tome::ops {

inline constexpr std::size_t kGemvGroup = 32;  // numbers of x that share an int8 scale

/// A vector in f32 and, when asked for, quantised to int8 with one scale for each kGemvGroup numbers.
class GemvInput {
 public:
  /// `exact`: f32 only. Otherwise x is also quantised when its length is a multiple of 64.
  void set(std::span<const float> x, bool exact);

  std::span<const float> values() const { return values_; }
  bool quantized() const { return quantized_; }

  std::vector<std::int8_t> in_order;  // [n]
  std::vector<std::int8_t> paired;    // [n]: every 64 numbers as 0-15, 32-47, 16-31, 48-63 (nibble blocks unpack so)
  std::vector<float> scales;          // [n / 32]
  std::vector<float> half_sums;       // [n / 16] scale * sum of the half group's int8
  std::vector<float> factors;         // [n / 32][2] scale, scale * sum of the group's int8

 private:
  std::vector<float> values_;
  bool quantized_ = false;
};

/// y[r] = row first + r of `weight` times x, for r in [0, y.size()). One thread's work.
void gemv(const TensorView& weight, std::size_t first, const GemvInput& x, std::span<float> y);

}  // namespace tome::ops
