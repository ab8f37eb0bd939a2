// Unpacking: one short function a block type, written so that GCC vectorises its loops. No product here may be fused
// into a multiply-add (see CMakeLists.txt): the numbers are those of the package gguf, bit for bit.
#include <array>
#include <cstring>

#include "base/error.h"
#include "formats/blocks.h"
#include "formats/tensor_type.h"

namespace tome {
namespace {

// kFifthBits[b] holds bit j of b as 16 in its byte j.
constexpr auto kFifthBits = [] {
  std::array<std::array<std::uint8_t, 8>, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (unsigned j = 0; j < 8; ++j) table[byte][j] = static_cast<std::uint8_t>((byte >> j & 1u) << 4);
  }
  return table;
}();

void unpack(const BlockQ4_0& block, float* __restrict out) {
  const auto d = static_cast<float>(block.d);
  for (int j = 0; j < 16; ++j) out[j] = d * static_cast<float>((block.q[j] & 15) - 8);
  for (int j = 0; j < 16; ++j) out[j + 16] = d * static_cast<float>((block.q[j] >> 4) - 8);
}

void unpack(const BlockQ4_1& block, float* __restrict out) {
  const auto d = static_cast<float>(block.d);
  const auto m = static_cast<float>(block.m);
  for (int j = 0; j < 16; ++j) out[j] = d * static_cast<float>(block.q[j] & 15) + m;
  for (int j = 0; j < 16; ++j) out[j + 16] = d * static_cast<float>(block.q[j] >> 4) + m;
}

void unpack(const BlockQ5_0& block, float* __restrict out) {
  const auto d = static_cast<float>(block.d);
  std::uint8_t fifth[32];
  for (int j = 0; j < 4; ++j) std::memcpy(fifth + 8 * j, kFifthBits[block.fifth[j]].data(), 8);
  for (int j = 0; j < 16; ++j) out[j] = d * static_cast<float>(((block.q[j] & 15) | fifth[j]) - 16);
  for (int j = 0; j < 16; ++j) out[j + 16] = d * static_cast<float>(((block.q[j] >> 4) | fifth[j + 16]) - 16);
}

void unpack(const BlockQ8_0& block, float* __restrict out) {
  const auto d = static_cast<float>(block.d);
  for (int j = 0; j < 32; ++j) out[j] = d * static_cast<float>(block.q[j]);
}

void unpack(const BlockQ4_K& block, float* __restrict out) {
  const auto d = static_cast<float>(block.d);
  const auto dmin = static_cast<float>(block.dmin);
  const ScalesQ4_K groups = unpack_scales(block.scales);
  for (int pair = 0; pair < 4; ++pair) {
    const float scale_low = d * static_cast<float>(groups.scale[2 * pair]);
    const float scale_high = d * static_cast<float>(groups.scale[2 * pair + 1]);
    const float min_low = dmin * static_cast<float>(groups.min[2 * pair]);
    const float min_high = dmin * static_cast<float>(groups.min[2 * pair + 1]);
    const std::uint8_t* q = block.q + 32 * pair;
    float* __restrict to = out + 64 * pair;
    for (int j = 0; j < 32; ++j) to[j] = scale_low * static_cast<float>(q[j] & 15) - min_low;
    for (int j = 0; j < 32; ++j) to[j + 32] = scale_high * static_cast<float>(q[j] >> 4) - min_high;
  }
}

void unpack(const BlockQ6_K& block, float* __restrict out) {
  const auto d = static_cast<float>(block.d);
  std::int8_t q[256];
  for (int half = 0; half < 2; ++half) {
    const std::uint8_t* low = block.low + 64 * half;
    const std::uint8_t* high = block.high + 32 * half;
    std::int8_t* to = q + 128 * half;
    for (int j = 0; j < 32; ++j) {
      to[j] = static_cast<std::int8_t>(((low[j] & 15) | (high[j] & 3) << 4) - 32);
      to[j + 32] = static_cast<std::int8_t>(((low[j + 32] & 15) | (high[j] >> 2 & 3) << 4) - 32);
      to[j + 64] = static_cast<std::int8_t>(((low[j] >> 4) | (high[j] >> 4 & 3) << 4) - 32);
      to[j + 96] = static_cast<std::int8_t>(((low[j + 32] >> 4) | (high[j] >> 6) << 4) - 32);
    }
  }
  for (int group = 0; group < 16; ++group) {
    const float scale = d * static_cast<float>(block.scales[group]);
    for (int j = 0; j < 16; ++j) out[16 * group + j] = scale * static_cast<float>(q[16 * group + j]);
  }
}

template <typename Block>
void unpack_all(std::span<const std::byte> bytes, std::span<float> out) {
  const auto* blocks = reinterpret_cast<const Block*>(bytes.data());
  const std::size_t count = bytes.size() / sizeof(Block);
  const std::size_t values = count == 0 ? 0 : out.size() / count;
  for (std::size_t i = 0; i < count; ++i) unpack(blocks[i], out.data() + i * values);
}

void unpack_f16(std::span<const std::byte> bytes, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint16_t bits;
    std::memcpy(&bits, bytes.data() + 2 * i, 2);
    out[i] = f16_to_f32(bits);
  }
}

void unpack_bf16(std::span<const std::byte> bytes, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint16_t bits;
    std::memcpy(&bits, bytes.data() + 2 * i, 2);
    out[i] = std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
}

}  // namespace

void dequantize(TensorType type, std::span<const std::byte> blocks, std::span<float> out) {
  TOME_CHECK(blocks.size() == byte_size(type, out.size()), blocks.size(), " bytes for ", out.size(), " numbers");
  if (out.empty()) return;
  switch (type) {
    case TensorType::kF32:
      std::memcpy(out.data(), blocks.data(), blocks.size());
      return;
    case TensorType::kF16:
      return unpack_f16(blocks, out);
    case TensorType::kBF16:
      return unpack_bf16(blocks, out);
    case TensorType::kQ4_0:
      return unpack_all<BlockQ4_0>(blocks, out);
    case TensorType::kQ4_1:
      return unpack_all<BlockQ4_1>(blocks, out);
    case TensorType::kQ5_0:
      return unpack_all<BlockQ5_0>(blocks, out);
    case TensorType::kQ8_0:
      return unpack_all<BlockQ8_0>(blocks, out);
    case TensorType::kQ4_K:
      return unpack_all<BlockQ4_K>(blocks, out);
    case TensorType::kQ6_K:
      return unpack_all<BlockQ6_K>(blocks, out);
  }
}

}  // namespace tome
