// Dynamic int8 for linear layers of reading: activations quantised row by row, weights column by column, both with one
// scale for each kInt8Group numbers of the reduction, so that one large number spoils only its own group.
//
// Before that, every kInt8Rotation numbers of both are multiplied by the same orthogonal matrix (Walsh-Hadamard, as in
// QuaRot, arXiv 2404.00456): their product stays, while outliers, which would take all of a scale's range, are spread out.
//
// The instruction multiplies unsigned by signed bytes; activations are stored plus 128, and the sum starts at
// -128 * (sum of the group's weights), the panel's bias, which undoes it exactly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tome::ops {

inline constexpr std::size_t kInt8Group = 32;     // numbers of the reduction that share a scale
inline constexpr std::size_t kInt8Rotation = 64;  // numbers of the reduction that are rotated together
inline constexpr std::size_t kInt8Panel = 64;     // weight columns packed together

/// Groups of an input of `width` numbers, zeros added up to a whole rotation.
inline std::size_t int8_groups(std::size_t width) {
  return (width + kInt8Rotation - 1) / kInt8Rotation * (kInt8Rotation / kInt8Group);
}

/// Quantised activations: rows x (groups * kInt8Group) bytes, rows x groups scales.
struct Int8Rows {
  std::size_t rows = 0;
  std::size_t groups = 0;
  std::vector<std::uint8_t> values;
  std::vector<float> scales;

  void resize(std::size_t row_count, std::size_t width) {
    rows = row_count;
    groups = int8_groups(width);
    values.resize(rows * groups * kInt8Group);
    scales.resize(rows * groups);
  }
};

/// Bytes, scales and biases of one packed panel of kInt8Panel columns:
///   values [groups * kInt8Group / 4][kInt8Panel][4], scales [groups][kInt8Panel], bias [groups][kInt8Panel]
inline std::size_t int8_panel_values(std::size_t width) { return int8_groups(width) * kInt8Group * kInt8Panel; }
inline std::size_t int8_panel_scales(std::size_t width) { return int8_groups(width) * kInt8Panel; }

}  // namespace tome::ops
