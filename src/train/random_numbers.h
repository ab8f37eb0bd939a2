// Random numbers that are the same on every machine and in every standard library.
#pragma once

#include <cstdint>
#include <random>

namespace tome {

/// Whole numbers of one use: (seed, purpose, a, b) name a stream of their own.
class RandomNumbers {
 public:
  RandomNumbers(std::uint64_t seed, std::uint64_t purpose, std::uint64_t a = 0, std::uint64_t b = 0)
      : engine_(mix(mix(mix(mix(seed) ^ purpose) ^ a) ^ b)) {}

  /// 0 .. end - 1, each as likely; end > 0.
  std::uint64_t below(std::uint64_t end) {
    const std::uint64_t last_whole = std::mt19937_64::max() - std::mt19937_64::max() % end;
    std::uint64_t number = engine_();
    while (number >= last_whole) number = engine_();
    return number % end;
  }

 private:
  // The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
  static std::uint64_t mix(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
  }

  std::mt19937_64 engine_;  // its numbers are fixed by the C++ standard
};

}  // namespace tome
