// RoPE as the layers of a model use it: global and sliding layers have frequencies of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/aligned.h"
#include "model/config.h"
#include "model/rope_rows.h"

namespace tome {

class HeadRotation {
 public:
  /// Borrows the configuration.
  explicit HeadRotation(const ModelConfig& config);

  /// One thread's memory.
  struct Memory {
    RopeRows::Memory row;
    AlignedBuffer<float> cosine, sine;  // [C / 2]
  };
  enum class Direction { kForward, kBackward };  // kBackward: the transpose, which takes gradients back

  /// Turns heads [positions.size()][width] of `layer` in place; width: all heads of a token, a multiple of C.
  void rotate(std::size_t layer, std::span<const std::int64_t> positions, float* heads, std::size_t width,
              Memory& memory, Direction direction = Direction::kForward) const;

 private:
  const ModelConfig& config_;
  RopeRows global_, sliding_;
};

}  // namespace tome
