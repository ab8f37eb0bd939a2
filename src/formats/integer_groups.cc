#include "formats/integer_groups.h"

#include <cstring>

#include "base/error.h"
#include "formats/blocks.h"

namespace tome {
namespace {

// The low halves of 16 bytes, then the high halves. (By way of an array that nothing else points to: else no vectors.)
void nibbles(const std::uint8_t* bytes, int shift, std::int8_t* q) {
  std::uint8_t own[16];
  std::int8_t halves[32];
  std::memcpy(own, bytes, 16);
  for (int i = 0; i < 16; ++i) halves[i] = static_cast<std::int8_t>((own[i] & 15) - shift);
  for (int i = 0; i < 16; ++i) halves[i + 16] = static_cast<std::int8_t>((own[i] >> 4) - shift);
  std::memcpy(q, halves, 32);
}

void unpack(const BlockQ4_0& block, std::int8_t* q, float* scale, float* offset) {
  nibbles(block.q, 8, q);
  *scale = static_cast<float>(block.d);
  *offset = 0;
}

void unpack(const BlockQ4_1& block, std::int8_t* q, float* scale, float* offset) {
  nibbles(block.q, 0, q);
  *scale = static_cast<float>(block.d);
  *offset = static_cast<float>(block.m);
}

void unpack(const BlockQ5_0& block, std::int8_t* q, float* scale, float* offset) {
  std::uint32_t fifth;
  std::memcpy(&fifth, block.fifth, 4);
  nibbles(block.q, 16, q);
  for (int i = 0; i < 32; ++i) q[i] = static_cast<std::int8_t>(q[i] + static_cast<int>(fifth >> i & 1) * 16);
  *scale = static_cast<float>(block.d);
  *offset = 0;
}

void unpack(const BlockQ8_0& block, std::int8_t* q, float* scale, float* offset) {
  std::memcpy(q, block.q, 32);
  *scale = static_cast<float>(block.d);
  *offset = 0;
}

void unpack(const BlockQ4_K& block, std::int8_t* q, float* scales, float* offsets) {
  const ScalesQ4_K scale = unpack_scales(block.scales);
  const float d = static_cast<float>(block.d);
  const float dmin = static_cast<float>(block.dmin);
  for (int pair = 0; pair < 4; ++pair) {
    std::uint8_t own[32];
    std::int8_t halves[64];
    std::memcpy(own, block.q + 32 * pair, 32);
    for (int i = 0; i < 32; ++i) halves[i] = static_cast<std::int8_t>(own[i] & 15);
    for (int i = 0; i < 32; ++i) halves[i + 32] = static_cast<std::int8_t>(own[i] >> 4);
    std::memcpy(q + 64 * pair, halves, 64);
  }
  for (int g = 0; g < 8; ++g) {
    scales[g] = d * static_cast<float>(scale.scale[g]);
    offsets[g] = -dmin * static_cast<float>(scale.min[g]);
  }
}

template <typename Block, std::size_t kValues>
bool unpack_row(std::span<const std::byte> row, std::span<std::int8_t> q, std::span<float> scales,
                std::span<float> offsets) {
  const auto* blocks = reinterpret_cast<const Block*>(row.data());
  for (std::size_t b = 0; b < q.size() / kValues; ++b) {
    const std::size_t group = b * kValues / kIntegerGroup;
    unpack(blocks[b], q.data() + b * kValues, scales.data() + group, offsets.data() + group);
  }
  return true;
}

}  // namespace

bool unpack_integers(TensorType type, std::span<const std::byte> row, std::span<std::int8_t> q, std::span<float> scales,
                     std::span<float> offsets) {
  TOME_CHECK(scales.size() * kIntegerGroup == q.size() && offsets.size() == scales.size());
  TOME_CHECK(row.size() == byte_size(type, q.size()));
  switch (type) {
    case TensorType::kQ4_0:
      return unpack_row<BlockQ4_0, 32>(row, q, scales, offsets);
    case TensorType::kQ4_1:
      return unpack_row<BlockQ4_1, 32>(row, q, scales, offsets);
    case TensorType::kQ5_0:
      return unpack_row<BlockQ5_0, 32>(row, q, scales, offsets);
    case TensorType::kQ8_0:
      return unpack_row<BlockQ8_0, 32>(row, q, scales, offsets);
    case TensorType::kQ4_K:
      return unpack_row<BlockQ4_K, 256>(row, q, scales, offsets);
    default:
      return false;
  }
}

bool has_offsets(TensorType type) { return type == TensorType::kQ4_1 || type == TensorType::kQ4_K; }

}  // namespace tome
