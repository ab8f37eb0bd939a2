// Packing: one short function a block type. The 32-number types choose as the package gguf does, bit for bit; for the
// 256-number types, which it cannot pack, each group's scale is searched for the least squared error.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/bf16.h"
#include "base/error.h"
#include "formats/blocks.h"
#include "formats/tensor_type.h"

namespace tome {
namespace {

HalfBytes half(float value) {
  const std::uint16_t bits = f32_to_f16(value);
  if ((bits & 0x7fffu) >= 0x7c00u)
    throw_user_error("cannot quantize: a block's numbers are too large, got scale ", value);
  return {static_cast<std::uint8_t>(bits & 0xffu), static_cast<std::uint8_t>(bits >> 8)};
}

/// 1 / d; 0 where a block is all zeros, or so small that the inverse is not finite.
float inverse(float d) {
  const float id = d == 0.0f ? 0.0f : 1.0f / d;
  return std::isfinite(id) ? id : 0.0f;
}

/// The number with the largest magnitude, with its sign; the first of several.
float extreme(std::span<const float> x) {
  float best = 0.0f;
  for (const float value : x) {
    if (std::abs(value) > std::abs(best)) best = value;
  }
  return best;
}

std::uint8_t clamped(float q, float most) { return static_cast<std::uint8_t>(std::clamp(q, 0.0f, most)); }

/// The whole number nearest to q within [least, most], both well below 2^22: the sum has no room for a fraction. Unlike
/// std::nearbyint it vectorises on every x86-64.
float nearest(float q, float least, float most) {
  constexpr float kNoFraction = 0x1.8p23f;
  const float at_least = q < least ? least : q;
  const float within = at_least > most ? most : at_least;
  return (within + kNoFraction) - kNoFraction;
}

void pack(std::span<const float, 32> x, BlockQ4_0& block) {
  const float d = extreme(x) / -8.0f;
  const float id = inverse(d);
  block.d = half(d);
  const auto q = [&](int j) { return clamped(x[static_cast<std::size_t>(j)] * id + 8.5f, 15.0f); };
  for (int j = 0; j < 16; ++j) block.q[j] = static_cast<std::uint8_t>(q(j) | q(j + 16) << 4);
}

void pack(std::span<const float, 32> x, BlockQ4_1& block) {
  const auto [min, max] = std::ranges::minmax(x);
  const float m = min;
  const float d = (max - m) / 15.0f;
  const float id = inverse(d);
  block.d = half(d);
  block.m = half(m);
  const auto q = [&](int j) { return clamped((x[static_cast<std::size_t>(j)] - m) * id + 0.5f, 15.0f); };
  for (int j = 0; j < 16; ++j) block.q[j] = static_cast<std::uint8_t>(q(j) | q(j + 16) << 4);
}

void pack(std::span<const float, 32> x, BlockQ5_0& block) {
  const float d = extreme(x) / -16.0f;
  const float id = inverse(d);
  block.d = half(d);
  std::memset(block.fifth, 0, sizeof block.fifth);
  std::memset(block.q, 0, sizeof block.q);
  for (std::size_t j = 0; j < 32; ++j) {
    const unsigned q = clamped(x[j] * id + 16.5f, 31.0f);
    block.q[j % 16] = static_cast<std::uint8_t>(block.q[j % 16] | (q & 15u) << (j < 16 ? 0 : 4));
    block.fifth[j / 8] = static_cast<std::uint8_t>(block.fifth[j / 8] | (q >> 4) << (j % 8));
  }
}

void pack(std::span<const float, 32> x, BlockQ8_0& block) {
  const float d = std::abs(extreme(x)) / 127.0f;
  const float id = inverse(d);
  block.d = half(d);
  for (std::size_t j = 0; j < 32; ++j) block.q[j] = static_cast<std::int8_t>(std::round(x[j] * id));
}

/// x is about scale * q - min with q in 0..15 and scale, min >= 0.
struct Line {
  float scale = 0;
  float min = 0;
};

float squared_error(std::span<const float, 32> x, Line line) {
  const float id = inverse(line.scale);
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t j = 0; j < 32; ++j) {
    const float value = x[j];
    const float q = nearest((value + line.min) * id, 0.0f, 15.0f);
    const float error = line.scale * q - line.min - value;
    sum += error * error;
  }
  return sum;
}

/// The least-squares line through x and the q that `guess` gives them.
Line refit(std::span<const float, 32> x, Line guess) {
  const float id = inverse(guess.scale);
  float sum_q = 0, sum_qq = 0, sum_x = 0, sum_qx = 0;
#pragma omp simd reduction(+ : sum_q, sum_qq, sum_x, sum_qx)
  for (std::size_t j = 0; j < 32; ++j) {
    const float value = x[j];
    const float q = nearest((value + guess.min) * id, 0.0f, 15.0f);
    sum_q += q;
    sum_qq += q * q;
    sum_x += value;
    sum_qx += q * value;
  }
  const float n = static_cast<float>(x.size());
  const float determinant = n * sum_qq - sum_q * sum_q;
  if (determinant <= 0) return guess;
  Line line{(n * sum_qx - sum_q * sum_x) / determinant, (sum_q * sum_qx - sum_qq * sum_x) / determinant};
  if (line.min < 0) line = {sum_qq > 0 ? sum_qx / sum_qq : 0.0f, 0.0f};
  line.scale = std::max(line.scale, 0.0f);
  return line;
}

/// Tries stretches of the plain line from least to greatest number, each refitted.
Line best_line(std::span<const float, 32> x) {
  const auto [low, high] = std::ranges::minmax(x);
  const float min = std::max(-low, 0.0f);
  Line best{(std::max(high, 0.0f) + min) / 15.0f, min};
  float least = squared_error(x, best);
  const Line plain = best;
  for (int step = -10; step <= 10; ++step) {
    const Line line = refit(x, {plain.scale * (1.0f + 0.02f * static_cast<float>(step)), plain.min});
    const float error = squared_error(x, line);
    if (error < least) {
      best = line;
      least = error;
    }
  }
  return best;
}

void pack(std::span<const float, 256> x, BlockQ4_K& block) {
  constexpr float kMost = 63.0f;  // of a group's six bits
  Line lines[8];
  Line largest;
  for (std::size_t group = 0; group < 8; ++group) {
    lines[group] = best_line(std::span<const float, 32>(x.subspan(32 * group, 32)));
    largest = {std::max(largest.scale, lines[group].scale), std::max(largest.min, lines[group].min)};
  }
  block.d = half(largest.scale / kMost);
  block.dmin = half(largest.min / kMost);
  const float d = static_cast<float>(block.d);
  const float dmin = static_cast<float>(block.dmin);
  ScalesQ4_K groups;
  std::memset(block.q, 0, sizeof block.q);
  for (std::size_t group = 0; group < 8; ++group) {
    groups.scale[group] = static_cast<std::uint8_t>(nearest(lines[group].scale * inverse(d), 0.0f, kMost));
    groups.min[group] = static_cast<std::uint8_t>(nearest(lines[group].min * inverse(dmin), 0.0f, kMost));
    const float scale = d * static_cast<float>(groups.scale[group]);
    const float min = dmin * static_cast<float>(groups.min[group]);
    for (std::size_t j = 0; j < 32; ++j) {
      const unsigned q = static_cast<unsigned>(nearest((x[32 * group + j] + min) * inverse(scale), 0.0f, 15.0f));
      std::uint8_t& byte = block.q[32 * (group / 2) + j];
      byte = static_cast<std::uint8_t>(byte | q << (group % 2 == 0 ? 0 : 4));
    }
  }
  pack_scales(groups, block.scales);
}

float nearest_of_64(float value, float id) { return nearest(value * id, -32.0f, 31.0f); }

/// The scale with the least squared error of scale * q, q in -32..31; its sign is free.
float best_scale(std::span<const float, 16> x) {
  const float largest = extreme(x);
  float best = 0;
  float most_gained = 0;  // the error is sum x^2 minus this
  for (int step = -9; step <= 9; ++step) {
    const float id = inverse(largest / -(32.0f + 0.1f * static_cast<float>(step)));
    float sum_qq = 0, sum_qx = 0;
#pragma omp simd reduction(+ : sum_qq, sum_qx)
    for (std::size_t j = 0; j < 16; ++j) {
      const float value = x[j];
      const float q = nearest_of_64(value, id);
      sum_qq += q * q;
      sum_qx += q * value;
    }
    const float gained = sum_qq > 0 ? sum_qx * sum_qx / sum_qq : 0.0f;
    if (gained > most_gained) {
      best = sum_qx / sum_qq;
      most_gained = gained;
    }
  }
  return best;
}

void pack(std::span<const float, 256> x, BlockQ6_K& block) {
  float scales[16];
  for (std::size_t group = 0; group < 16; ++group)
    scales[group] = best_scale(std::span<const float, 16>(x.subspan(16 * group, 16)));
  block.d = half(extreme(scales) / -128.0f);
  const float d = static_cast<float>(block.d);
  std::uint8_t q[256];
  for (std::size_t group = 0; group < 16; ++group) {
    const float steps = nearest(scales[group] * inverse(d), -128.0f, 127.0f);
    block.scales[group] = static_cast<std::int8_t>(steps);
    const float id = inverse(d * steps);
    for (std::size_t j = 16 * group; j < 16 * group + 16; ++j) {
      q[j] = static_cast<std::uint8_t>(nearest_of_64(x[j], id) + 32.0f);
    }
  }
  for (std::size_t j = 0; j < 64; ++j) {  // of each half: the four quarters' numbers are 32 apart
    const std::uint8_t* from = q + 128 * (j / 32) + j % 32;
    std::uint8_t* low = block.low + 64 * (j / 32) + j % 32;
    low[0] = static_cast<std::uint8_t>((from[0] & 15) | (from[64] & 15) << 4);
    low[32] = static_cast<std::uint8_t>((from[32] & 15) | (from[96] & 15) << 4);
    block.high[j] =
        static_cast<std::uint8_t>(from[0] >> 4 | from[32] >> 4 << 2 | from[64] >> 4 << 4 | from[96] >> 4 << 6);
  }
}

template <typename Block, std::size_t kValues>
void pack_all(std::span<const float> values, std::span<std::byte> out) {
  auto* blocks = reinterpret_cast<Block*>(out.data());
  for (std::size_t i = 0; i < values.size() / kValues; ++i) {
    const auto x = std::span<const float, kValues>(values.subspan(i * kValues, kValues));
    if (!std::ranges::all_of(x, [](float value) { return std::isfinite(value); })) {
      throw_user_error("cannot quantize: number ", i * kValues, " or one shortly after it is infinite or no number");
    }
    pack(x, blocks[i]);
  }
}

template <typename Convert>
void pack_16_bits(std::span<const float> values, std::span<std::byte> out, Convert convert) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t bits = convert(values[i]);
    std::memcpy(out.data() + 2 * i, &bits, sizeof bits);
  }
}

}  // namespace

void quantize(TensorType type, std::span<const float> values, std::span<std::byte> out) {
  TOME_CHECK(out.size() == byte_size(type, values.size()), out.size(), " bytes for ", values.size(), " numbers");
  if (values.empty()) return;
  switch (type) {
    case TensorType::kF32:
      std::memcpy(out.data(), values.data(), out.size());
      return;
    case TensorType::kF16:
      return pack_16_bits(values, out, f32_to_f16);
    case TensorType::kBF16:
      return pack_16_bits(values, out, [](float value) { return bf16(value).bits; });
    case TensorType::kQ4_0:
      return pack_all<BlockQ4_0, 32>(values, out);
    case TensorType::kQ4_1:
      return pack_all<BlockQ4_1, 32>(values, out);
    case TensorType::kQ5_0:
      return pack_all<BlockQ5_0, 32>(values, out);
    case TensorType::kQ8_0:
      return pack_all<BlockQ8_0, 32>(values, out);
    case TensorType::kQ4_K:
      return pack_all<BlockQ4_K, 256>(values, out);
    case TensorType::kQ6_K:
      return pack_all<BlockQ6_K, 256>(values, out);
  }
}

}  // namespace tome
