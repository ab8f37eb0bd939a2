// Rows of cosines and sines for any positions, by adding angles: position = 256 h + l takes one precomputed row for l,
// one (remembered) for h, and four multiplications a number instead of a cosine and a sine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/rope.h"

namespace tome {

class RopeRows {
 public:
  explicit RopeRows(const Rope& rope);

  std::size_t half_width() const { return half_; }  // C / 2

  /// One thread's remembered high part.
  struct Memory {
    std::int64_t high = -1;
    std::vector<float> cosine, sine;
  };

  /// cosine and sine [C / 2] of `position` >= 0, attention factor included.
  void row(std::int64_t position, Memory& memory, float* cosine, float* sine) const;

 private:
  static constexpr std::int64_t kLow = 256;
  Rope rope_;
  std::size_t half_;
  std::vector<float> low_cosine_, low_sine_;  // [kLow][C / 2], without the attention factor
};

}  // namespace tome
