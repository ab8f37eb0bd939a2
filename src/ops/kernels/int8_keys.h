// Scores of attention by int8 products, of one level: keys of full blocks (see ops/attention.h) and a tile's queries,
// both rotated and rounded.
#pragma once

#include <cstdint>

#include "ops/attention.h"
#include "ops/kernels/row_tiles.h"
#include "ops/kernels/tile_product.h"

// Where tile registers multiply bf16, scores are not what takes the time.
#if defined(__AVX512BF16__) && defined(__AVX512VNNI__) && !defined(__AMX_BF16__)
#define TOME_INT8_SCORES 1
#else
#define TOME_INT8_SCORES 0
#endif

#if TOME_INT8_SCORES

namespace tome::ops::TOME_LEVEL {

/// One head's K of a full block, [Cp / 2][kKvBlock] words, to its plane.
void quantize_keys(const std::uint32_t* k, int padded_width, std::uint32_t* plane);

/// What a plane holds.
struct Int8Keys {
  Int8Keys(const std::uint32_t* plane, int padded_width)
      : values(plane),
        scales(reinterpret_cast<const float*>(values + static_cast<std::ptrdiff_t>(padded_width / 4) * kKvBlock)),
        shifts(scales + kKvBlock),
        mean(reinterpret_cast<const std::uint32_t*>(shifts + kKvBlock)) {}

  const std::uint32_t* values;
  const float* scales;
  const float* shifts;
  const std::uint32_t* mean;
};

/// Queries [rows][Cp / 2] words of two bf16 to values [rows][Cp / 4] words of four bytes, q + 128, and scales [rows]
/// (never zero). Reads and writes rows up to a multiple of 16.
void quantize_queries(const std::uint32_t* queries, int rows, int padded_width, std::uint32_t* values, float* scales);

/// What a query's scores are shifted by: q * mean.
inline float mean_score(const std::uint32_t* query, const std::uint32_t* mean, int padded_width) {
  F32 sums = zero();
  for (int left = padded_width / 2; left > 0; left -= kLanes, query += kLanes, mean += kLanes) {
    const auto mask = static_cast<__mmask16>(left >= kLanes ? 0xffffu : (1u << left) - 1u);
    sums = _mm512_dpbf16_ps(sums, reinterpret_cast<__m512bh>(_mm512_maskz_loadu_epi32(mask, query)),
                            reinterpret_cast<__m512bh>(_mm512_maskz_loadu_epi32(mask, mean)));
  }
  return sum(sums);
}

/// Sums of products in a loop: as plain __m512i, GCC 12 copies each of them twice a step.
using Int32Sums = int __attribute__((vector_size(64)));

/// One register tile: scores [R][kKvBlock] of kTileColumns keys, without the queries' scales and shifts.
template <int R, typename Prefetch>
[[gnu::always_inline]] inline void int8_tile(const std::uint32_t* q, int steps, const Int8Keys& keys, int column,
                                             float* scores, Prefetch& prefetch) {
  Int32Sums sums[R][kTileVectors] = {};
  const std::uint32_t* values = keys.values + column;
  for (int k = 0; k < steps; ++k, values += kKvBlock) {
    prefetch.step();
    I32 four[kTileVectors];
    for (int n = 0; n < kTileVectors; ++n) four[n] = load_words(values + n * kLanes);
    for (int r = 0; r < R; ++r) {
      const I32 query = _mm512_set1_epi32(static_cast<int>(q[r * steps + k]));
      for (int n = 0; n < kTileVectors; ++n) {
        sums[r][n] =
            reinterpret_cast<Int32Sums>(_mm512_dpbusd_epi32(reinterpret_cast<I32>(sums[r][n]), query, four[n]));
      }
    }
  }
  for (int n = 0; n < kTileVectors; ++n) {
    const F32 scale = load(keys.scales + column + n * kLanes);
    const F32 shift = load(keys.shifts + column + n * kLanes);
    for (int r = 0; r < R; ++r) {
      store(scores + r * kKvBlock + column + n * kLanes,
            fma(_mm512_cvtepi32_ps(reinterpret_cast<I32>(sums[r][n])), scale, shift));
    }
  }
}

/// Scores of up to kTileRows quantised queries and the keys [c0, c1), multiples of kTileColumns.
template <typename Prefetch>
inline void int8_scores(int rows, const std::uint32_t* q, int padded_width, const Int8Keys& keys, int c0, int c1,
                        float* scores, Prefetch& prefetch) {
  for_row_tiles<kTileRows>(static_cast<std::size_t>(rows), [&](auto count, std::size_t) {
    for (int column = c0; column < c1; column += kTileColumns) {
      int8_tile<decltype(count)::value>(q, padded_width / 4, keys, column, scores, prefetch);
    }
  });
}

}  // namespace tome::ops::TOME_LEVEL

#endif
