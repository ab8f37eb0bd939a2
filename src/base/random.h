// Random numbers by their place: number i of stream s under a seed is the same whoever asks for it, in any order and
// from any thread. Philox 4x32-10 of "Parallel random numbers: as easy as 1, 2, 3" (Salmon et al., SC 2011).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tome {

using PhiloxBlock = std::array<std::uint32_t, 4>;

/// Four 32-bit numbers for one counter under one key.
inline PhiloxBlock philox(PhiloxBlock counter, std::array<std::uint32_t, 2> key) {
  constexpr int kRounds = 10;
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t first = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t second = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(second >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(second),
               static_cast<std::uint32_t>(first >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(first)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// One stream of numbers under a seed. Streams of one seed share no number: give each use (a tensor, a step) its own.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::uint64_t stream) : seed_(seed), stream_(stream) {}

  /// Numbers 4 * block .. 4 * block + 3.
  PhiloxBlock block(std::uint64_t block) const {
    return philox({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                   static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
                  {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)});
  }
  std::uint32_t bits(std::uint64_t index) const { return block(index / 4)[index % 4]; }
  /// In [0, 1), a multiple of 2^-24.
  float uniform(std::uint64_t index) const { return unit(bits(index)); }
  static float unit(std::uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }

 private:
  std::uint64_t seed_, stream_;
};

}  // namespace tome
