// The byte layouts of GGUF's block-quantised types: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h
// Every member is bytes, so that a block may lie at any address.
#pragma once

#include <cstdint>

#include "formats/f16.h"

namespace tome {

/// A little-endian binary16 at any address.
struct HalfBytes {
  std::uint8_t low = 0;
  std::uint8_t high = 0;
  std::uint16_t bits() const { return static_cast<std::uint16_t>(low | high << 8); }
  explicit operator float() const { return f16_to_f32(bits()); }
};

/// x = d * (q - 8), 32 numbers: number j in the low half of q[j], number j + 16 in the high half.
struct BlockQ4_0 {
  HalfBytes d;
  std::uint8_t q[16];
};

/// x = d * q + m; q as in Q4_0.
struct BlockQ4_1 {
  HalfBytes d;
  HalfBytes m;
  std::uint8_t q[16];
};

/// x = d * (q - 16); the low four bits as in Q4_0, the fifth bit of number j is bit j of `fifth` (little-endian).
struct BlockQ5_0 {
  HalfBytes d;
  std::uint8_t fifth[4];
  std::uint8_t q[16];
};

/// x = d * q, q signed, 32 numbers.
struct BlockQ8_0 {
  HalfBytes d;
  std::int8_t q[32];
};

/// x = (d * scale) * q - (dmin * min), 256 numbers in eight groups of 32 that have a 6-bit scale and min each
/// (see unpack_scales). Groups 2g and 2g + 1 are the low and high halves of bytes 32g..32g+31 of q.
struct BlockQ4_K {
  HalfBytes d;
  HalfBytes dmin;
  std::uint8_t scales[12];
  std::uint8_t q[128];
};

/// x = (d * scale) * (q - 32), 256 numbers in sixteen groups of 16. In each half of 128 numbers, number j of quarter k
/// (32 each) has its low four bits in low[j + 32 * (k % 2)], low half for k < 2, and its high two in bits 2k of
/// high[j].
struct BlockQ6_K {
  std::uint8_t low[128];
  std::uint8_t high[64];
  std::int8_t scales[16];
  HalfBytes d;
};

static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22);
static_assert(sizeof(BlockQ8_0) == 34 && sizeof(BlockQ4_K) == 144 && sizeof(BlockQ6_K) == 210);

/// The eight 6-bit scales and mins of a Q4_K block.
struct ScalesQ4_K {
  std::uint8_t scale[8];
  std::uint8_t min[8];
};

/// Bytes 0-3 and 4-7 hold scales and mins 0-3 in their low six bits; the upper two bits of these bytes are the upper
/// two of scales and mins 4-7, whose low four bits share bytes 8-11.
inline ScalesQ4_K unpack_scales(const std::uint8_t (&packed)[12]) {
  ScalesQ4_K out;
  for (int i = 0; i < 4; ++i) {
    out.scale[i] = packed[i] & 0x3f;
    out.min[i] = packed[i + 4] & 0x3f;
    out.scale[i + 4] = static_cast<std::uint8_t>((packed[i + 8] & 0x0f) | (packed[i] >> 2 & 0x30));
    out.min[i + 4] = static_cast<std::uint8_t>((packed[i + 8] >> 4) | (packed[i + 4] >> 2 & 0x30));
  }
  return out;
}

inline void pack_scales(const ScalesQ4_K& in, std::uint8_t (&packed)[12]) {
  for (int i = 0; i < 4; ++i) {
    packed[i] = static_cast<std::uint8_t>(in.scale[i] | (in.scale[i + 4] & 0x30) << 2);
    packed[i + 4] = static_cast<std::uint8_t>(in.min[i] | (in.min[i + 4] & 0x30) << 2);
    packed[i + 8] = static_cast<std::uint8_t>((in.scale[i + 4] & 0x0f) | (in.min[i + 4] & 0x0f) << 4);
  }
}

}  // namespace tome
