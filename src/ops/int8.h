// Dynamic int8 for linear layers of reading: y = x W^T with int8 products, f32 sums of groups.
//
// Activations are quantised row by row, every kInt8Group numbers of the reduction with a scale of their own, so that
// one large number spoils only its group. Weights that are stored as integers (Q4_0 to Q8_0, Q4_K) are taken as they
// are, w = scale * q + offset, without any further rounding; others are quantised like activations. Then
//   y = sum over groups of  x_scale * scale * (x_q . q)  +  offset * x_scale * (sum of x_q)
// (the sum of the rounded x: its rounding then meets w as a whole, not the larger q alone).
// The instruction multiplies unsigned by signed bytes; activations are stored plus 128, and the integer sum starts at
// -128 * (sum of the group's q), the panel's bias, which undoes it exactly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/error.h"

namespace tome::ops {

inline constexpr std::size_t kInt8Group = 32;  // numbers of the reduction that share a scale
inline constexpr std::size_t kInt8Panel = 64;  // weight columns packed together

inline std::size_t int8_groups(std::size_t width) { return (width + kInt8Group - 1) / kInt8Group; }

/// Quantised activations: rows x (groups * kInt8Group) bytes, rows x groups scales and sums.
struct Int8Rows {
  std::size_t rows = 0;
  std::size_t groups = 0;
  std::vector<std::uint8_t> values;  // q + 128
  std::vector<float> scales;
  std::vector<float> sums;  // scale * sum of a group's q

  void resize(std::size_t row_count, std::size_t width) {
    rows = row_count;
    groups = int8_groups(width);
    values.resize(rows * groups * kInt8Group);
    scales.resize(rows * groups);
    sums.resize(rows * groups);
  }
};

/// Up to kInt8Panel weight rows as integers, before packing: q [kInt8Panel][groups * kInt8Group], scales and offsets
/// [kInt8Panel][groups]. What is past the last of `columns` is zero.
struct Int8Weights {
  std::size_t columns = 0;
  std::size_t groups = 0;
  std::vector<std::int8_t> q;  // a group longer, as packing takes two at a time
  std::vector<float> scales, offsets;

  void resize(std::size_t column_count, std::size_t width) {
    TOME_CHECK(column_count <= kInt8Panel);
    columns = column_count;
    groups = int8_groups(width);
    q.assign((kInt8Panel * groups + 1) * kInt8Group, 0);
    scales.assign(kInt8Panel * groups, 0.0f);
    offsets.assign(kInt8Panel * groups, 0.0f);
  }
};

/// kInt8Panel packed columns, borrowed memory (columns past the last are zero):
struct Int8Panel {
  std::int8_t* values;  // [groups * kInt8Group / 4][kInt8Panel][4]
  float* scales;        // [groups][kInt8Panel]
  float* offsets;       // [groups][kInt8Panel], or null when all are zero
  std::int32_t* bias;   // [groups][kInt8Panel]
};

/// Values, and scales (or offsets, or biases), of one panel for inputs of `width` numbers.
inline std::size_t int8_panel_values(std::size_t width) { return int8_groups(width) * kInt8Group * kInt8Panel; }
inline std::size_t int8_panel_scales(std::size_t width) { return int8_groups(width) * kInt8Panel; }

}  // namespace tome::ops
