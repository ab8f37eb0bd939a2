// Dropout of what a LoRA pair sees (A's input; the layer's own product sees everything), as PEFT has it: each number is
// dropped on its own, the others are divided by the share that is left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/model.h"
#include "ops/attention.h"

namespace tome {

/// Whether a number is dropped depends on seed, layer, matrix, the token's index among the keys, and the column alone,
/// so that the backward pass drops what the forward pass did.
struct LoraDropout {
  float rate = 0;  // in [0, 1)
  std::uint64_t seed = 0;

  bool on() const { return rate > 0; }
  /// out [rows][width] = x with the dropped numbers 0 (out may be x). A row's token is the last that it sees.
  template <typename T>
  void apply(std::size_t layer, Matrix m, std::span<const ops::KeyRange> rows, const T* x, std::size_t width,
             T* out) const;
};

}  // namespace tome
