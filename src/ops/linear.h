// Products of activations with a frozen weight matrix, y = x W^T, in the activations' own type with f32 sums.
//
// W is packed in panels of kLinearPanel output columns: word (k, n) of a panel holds the kPack<T> weights of column n
// that follow one another in the reduction, the layout that the register tile of attention reads too
// (kernels/tile_product.h). The sums of a row do not depend on the other rows, nor on how many there are.
#pragma once

#include <cstddef>

#include "ops/attention.h"

namespace tome::ops {

inline constexpr std::size_t kLinearPanel = 64;

/// 32-bit words of one panel for inputs of `width` numbers.
template <typename T>
std::size_t linear_panel_words(std::size_t width) {
  constexpr auto kP = static_cast<std::size_t>(kPack<T>);
  return (width + kP - 1) / kP * kLinearPanel;
}

}  // namespace tome::ops
