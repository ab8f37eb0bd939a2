// Whole numbers drawn one after another from a stream that its place in the run names.
#pragma once

#include <cstdint>
#include <limits>

#include "base/random.h"

namespace tome {

/// What numbers of one seed are for; each has streams of its own.
enum class RandomUse : std::uint64_t { kOrder = 1, kHeldOut = 2, kPose = 3 };

class RandomNumbers {
 public:
  /// `a` < 2^48, `b` < 2^32 tell the draws of one use apart: an epoch, a step and an example.
  RandomNumbers(std::uint64_t seed, RandomUse use, std::uint64_t a = 0, std::uint64_t b = 0)
      : stream_(seed, static_cast<std::uint64_t>(use) << 48 | a), next_(b << 32) {}

  /// 0 .. end - 1, each as likely; end > 0.
  std::uint64_t below(std::uint64_t end) {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t whole = kMost - kMost % end;
    std::uint64_t number = draw();
    while (number >= whole) number = draw();
    return number % end;
  }

 private:
  std::uint64_t draw() {
    const std::uint64_t high = stream_.bits(next_++);
    return high << 32 | stream_.bits(next_++);
  }

  RandomStream stream_;
  std::uint64_t next_;
};

}  // namespace tome
