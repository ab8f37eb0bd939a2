// What the linear products of vector and of tile registers share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ops/kernels/simd.h"
#include "ops/linear.h"

namespace tome::ops::TOME_LEVEL {

/// One part of the reduction: `steps` rows of a panel and the left operand that goes with them.
template <typename Unit>
struct Part {
  const typename Unit::A* a;
  std::ptrdiff_t lda;
  int steps;
};

/// One vector of sums to columns [first, first + kLanes) of a row that has `columns` of them.
template <typename Y>
inline void store_sums(F32 sums, std::size_t first, std::size_t columns, bool accumulate, Y* out) {
  if (first >= columns) return;
  const std::size_t count = std::min<std::size_t>(kLanes, columns - first);
  Y tail[kLanes] = {};
  Y* to = count == kLanes ? out + first : tail;
  if (accumulate && to == tail) std::memcpy(static_cast<void*>(tail), out + first, count * sizeof(Y));
  store(to, accumulate ? add(sums, load(to)) : sums);
  if (to == tail) std::memcpy(static_cast<void*>(out + first), tail, count * sizeof(Y));
}

/// Calls take(panel, first column, columns) for each panel.
template <typename Take>
inline void for_each_panel(const LinearPanels& panels, const Take& take) {
  const std::uint32_t* panel = panels.words;
  for (std::size_t first = 0; first < panels.columns; first += kLinearPanel, panel += panels.panel_words) {
    take(panel, first, std::min(kLinearPanel, panels.columns - first));
  }
}

}  // namespace tome::ops::TOME_LEVEL
