#include "model/rope_rows.h"

#include <cmath>

namespace tome {

RopeRows::RopeRows(const Rope& rope) : rope_(rope), half_(rope.frequencies().size()) {
  low_cosine_.resize(kLow * half_);
  low_sine_.resize(kLow * half_);
  for (std::size_t l = 0; l < kLow; ++l) {
    for (std::size_t i = 0; i < half_; ++i) {
      const double angle = static_cast<double>(l) * static_cast<double>(rope_.frequencies()[i]);
      low_cosine_[l * half_ + i] = static_cast<float>(std::cos(angle));
      low_sine_[l * half_ + i] = static_cast<float>(std::sin(angle));
    }
  }
}

void RopeRows::row(std::int64_t position, Memory& memory, float* cosine, float* sine) const {
  const std::int64_t high = position / kLow;
  if (memory.high != high || memory.cosine.size() != half_) {
    memory.high = high;
    memory.cosine.resize(half_);
    memory.sine.resize(half_);
    for (std::size_t i = 0; i < half_; ++i) {
      const double angle = static_cast<double>(high * kLow) * static_cast<double>(rope_.frequencies()[i]);
      memory.cosine[i] = static_cast<float>(std::cos(angle)) * rope_.attention_factor();
      memory.sine[i] = static_cast<float>(std::sin(angle)) * rope_.attention_factor();
    }
  }
  const auto low = static_cast<std::size_t>(position % kLow) * half_;
  for (std::size_t i = 0; i < half_; ++i) {
    const float c = low_cosine_[low + i];
    const float s = low_sine_[low + i];
    cosine[i] = memory.cosine[i] * c - memory.sine[i] * s;
    sine[i] = memory.sine[i] * c + memory.cosine[i] * s;
  }
}

}  // namespace tome
