// Products of activations with a frozen weight matrix, y = x W^T, in the activations' own type with f32 sums.
//
// W is packed in panels of kLinearPanel output columns: word (k, n) of a panel holds the kPack<T> weights of column n
// that follow one another in the reduction, the layout that the register tile of attention reads too
// (kernels/tile_product.h). The sums of a row do not depend on the other rows, nor on how many there are.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/attention.h"

namespace tome::ops {

inline constexpr std::size_t kLinearPanel = 64;

/// 32-bit words of one panel for inputs of `width` numbers.
template <typename T>
std::size_t linear_panel_words(std::size_t width) {
  constexpr auto kP = static_cast<std::size_t>(kPack<T>);
  return (width + kP - 1) / kP * kLinearPanel;
}

/// Rows of a product's left side: x [rows][width] and, after it in the reduction, low [rows][rank] (LoRA's x A^T, whose
/// B follows W in the panel); rank 0: none.
template <typename T>
struct LinearInput {
  const T* x = nullptr;
  std::size_t rows = 0, width = 0;
  const T* low = nullptr;
  std::size_t rank = 0;
};

/// Packed weights, borrowed: panels of kLinearPanel columns (the last may have fewer), `panel_words` words apart.
struct LinearPanels {
  const std::uint32_t* words = nullptr;
  std::size_t panel_words = 0;
  std::size_t columns = 0;
};

/// Words of a panel whose reduction is width, then rank.
template <typename T>
std::size_t linear_panel_words(std::size_t width, std::size_t rank) {
  return linear_panel_words<T>(width) + linear_panel_words<T>(rank);
}

}  // namespace tome::ops
