#include "ops/kernels/int8.h"

#include <algorithm>
#include <cstring>

#include "ops/kernels/row_tiles.h"
#include "ops/kernels/simd.h"

namespace tome::ops::TOME_LEVEL {

#if defined(__AVX512VNNI__)

namespace {

constexpr int kTileVectors = 2;
constexpr int kRows = 6;
constexpr std::size_t kSteps = kInt8Group / 4;
static_assert(kInt8Group == 2 * kLanes);

inline void store_t(float* p, F32 x, __mmask16 mask) { _mm512_mask_storeu_ps(p, mask, x); }
inline void store_t(tome::bf16* p, F32 x, __mmask16 mask) { _mm256_mask_storeu_epi16(p, mask, narrow(x)); }

// R rows times two vectors of a panel's columns. Integer sums of a group and f32 totals both stay in registers
// (12 + 12 of 32): the totals' way through memory would cost as much as the products.
template <int R, bool kOffsets, typename T>
inline void tile(const Int8Rows& x, std::size_t row, const Int8Panel& panel, std::size_t first, std::size_t columns,
                 T* y, std::size_t stride) {
  const std::size_t groups = x.groups;
  const std::size_t row_bytes = groups * kInt8Group;
  const std::uint8_t* a = x.values.data() + row * row_bytes;
  const float* x_scales = x.scales.data() + row * groups;
  const float* x_sums = x.sums.data() + row * groups;
  const std::int8_t* w = panel.values + 4 * first;
  F32 total[R][kTileVectors];
  for (int r = 0; r < R; ++r) {
    for (int n = 0; n < kTileVectors; ++n) total[r][n] = zero();
  }
  for (std::size_t g = 0; g < groups; ++g, a += kInt8Group) {
    const std::size_t at = g * kInt8Panel + first;
    I32 sums[R][kTileVectors];
    for (int n = 0; n < kTileVectors; ++n) {
      const I32 start = _mm512_loadu_si512(panel.bias + at + static_cast<std::size_t>(n * kLanes));
      for (int r = 0; r < R; ++r) sums[r][n] = start;
    }
#pragma GCC unroll 8
    for (std::size_t k = 0; k < kSteps; ++k, w += 4 * kInt8Panel) {
      I32 column[kTileVectors];
      for (int n = 0; n < kTileVectors; ++n) column[n] = _mm512_loadu_si512(w + n * 64);
      for (int r = 0; r < R; ++r) {
        std::int32_t word;
        std::memcpy(&word, a + static_cast<std::size_t>(r) * row_bytes + 4 * k, 4);
        const I32 four = _mm512_set1_epi32(word);
        for (int n = 0; n < kTileVectors; ++n) sums[r][n] = _mm512_dpbusd_epi32(sums[r][n], four, column[n]);
      }
    }
    for (int n = 0; n < kTileVectors; ++n) {
      const F32 scale = load(panel.scales + at + static_cast<std::size_t>(n * kLanes));
      for (int r = 0; r < R; ++r) {
        const F32 both = mul(scale, set1(x_scales[static_cast<std::size_t>(r) * groups + g]));
        total[r][n] = fma(_mm512_cvtepi32_ps(sums[r][n]), both, total[r][n]);
      }
      if constexpr (kOffsets) {
        const F32 offset = load(panel.offsets + at + static_cast<std::size_t>(n * kLanes));
        for (int r = 0; r < R; ++r) {
          total[r][n] = fma(offset, set1(x_sums[static_cast<std::size_t>(r) * groups + g]), total[r][n]);
        }
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int n = 0; n < kTileVectors; ++n) {
      const int left = static_cast<int>(columns) - n * kLanes;
      if (left <= 0) break;
      const auto mask = static_cast<__mmask16>(left >= kLanes ? 0xffffu : (1u << left) - 1u);
      store_t(y + static_cast<std::size_t>(r) * stride + static_cast<std::size_t>(n * kLanes), total[r][n], mask);
    }
  }
}

template <int R, bool kOffsets, typename T>
inline void panel_rows(const Int8Rows& x, std::size_t row, const Int8Panel& panel, std::size_t columns, T* y,
                       std::size_t stride) {
  constexpr std::size_t kColumns = kTileVectors * kLanes;
  for (std::size_t first = 0; first < columns; first += kColumns) {
    tile<R, kOffsets>(x, row, panel, first, columns - first, y + first, stride);
  }
}

template <bool kOffsets, typename T>
void product(const Int8Rows& x, const Int8Panel& panel, std::size_t columns, T* y, std::size_t stride) {
  for_row_tiles<kRows>(x.rows, [&](auto count, std::size_t row) {
    panel_rows<decltype(count)::value, kOffsets>(x, row, panel, columns, y + row * stride, stride);
  });
}

// A group of 32 as int8 in 32-bit lanes, with its scale.
struct Group {
  I32 low, high;
  float scale;
};

inline Group quantize_group(F32 first, F32 second) {
  const float top = max_of(max(abs(first), abs(second)));
  const F32 inverse = set1(top > 0 ? 127.0f / top : 0.0f);
  return {_mm512_cvtps_epi32(mul(first, inverse)), _mm512_cvtps_epi32(mul(second, inverse)), top / 127.0f};
}

// Group g of a row of `width` numbers, zeros past its end.
template <typename T>
inline void load_group(const T* row, std::size_t g, std::size_t width, F32* first, F32* second) {
  const std::size_t at = g * kInt8Group;
  if (at + kInt8Group <= width) {
    *first = load(row + at);
    *second = load(row + at + kLanes);
    return;
  }
  float padded[kInt8Group] = {};
  for (std::size_t i = at; i < width; ++i) padded[i - at] = static_cast<float>(row[i]);
  *first = load(padded);
  *second = load(padded + kLanes);
}

}  // namespace

template <typename T>
void quantize_rows(const T* x, std::size_t rows, std::size_t width, Int8Rows& out) {
  out.resize(rows, width);
  const I32 shift = _mm512_set1_epi32(128);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t g = 0; g < out.groups; ++g) {
      F32 first, second;
      load_group(x + r * width, g, width, &first, &second);
      const Group group = quantize_group(first, second);
      out.scales[r * out.groups + g] = group.scale;
      out.sums[r * out.groups + g] =
          group.scale * static_cast<float>(_mm512_reduce_add_epi32(_mm512_add_epi32(group.low, group.high)));
      auto* to = reinterpret_cast<__m128i*>(out.values.data() + (r * out.groups + g) * kInt8Group);
      _mm_storeu_si128(to, _mm512_cvtepi32_epi8(_mm512_add_epi32(group.low, shift)));
      _mm_storeu_si128(to + 1, _mm512_cvtepi32_epi8(_mm512_add_epi32(group.high, shift)));
    }
  }
}

void int8_quantize_weights(const float* weights, std::size_t width, Int8Weights& out) {
  for (std::size_t n = 0; n < out.columns; ++n) {
    for (std::size_t g = 0; g < out.groups; ++g) {
      F32 first, second;
      load_group(weights + n * width, g, width, &first, &second);
      const Group group = quantize_group(first, second);
      out.scales[n * out.groups + g] = group.scale;
      auto* to = reinterpret_cast<__m128i*>(out.q.data() + (n * out.groups + g) * kInt8Group);
      _mm_storeu_si128(to, _mm512_cvtepi32_epi8(group.low));
      _mm_storeu_si128(to + 1, _mm512_cvtepi32_epi8(group.high));
    }
  }
}

namespace {

// Numbers [column][group] of a panel as [group][column].
void pack_groups(const std::vector<float>& from, std::size_t groups, float* to) {
  if (groups < kTransposeSide) {
    for (std::size_t g = 0; g < groups; ++g) {
      for (std::size_t n = 0; n < kInt8Panel; ++n) to[g * kInt8Panel + n] = from[n * groups + g];
    }
    return;
  }
  const auto* words = reinterpret_cast<const std::uint32_t*>(from.data());
  for (std::size_t first = 0; first < groups; first += kTransposeSide) {
    const std::size_t g = std::min(first, groups - kTransposeSide);  // the last square overlaps the one before
    for (std::size_t n = 0; n < kInt8Panel; n += kTransposeSide) {
      transpose_words(words + n * groups + g, groups, reinterpret_cast<std::uint32_t*>(to) + g * kInt8Panel + n,
                      kInt8Panel);
    }
  }
}

}  // namespace

void int8_pack(const Int8Weights& weights, const Int8Panel& panel) {
  const std::size_t groups = weights.groups;
  const I32 ones = _mm512_set1_epi8(1);
  const auto* words = reinterpret_cast<const std::uint32_t*>(weights.q.data());
  auto* values = reinterpret_cast<std::uint32_t*>(panel.values);
  static_assert(2 * kSteps == kTransposeSide && kInt8Panel % kTransposeSide == 0 && kTransposeSide == kLanes);
  alignas(64) std::uint32_t turned[kTransposeSide][kTransposeSide];  // sixteen columns of two groups
  for (std::size_t n = 0; n < kInt8Panel; n += kTransposeSide) {
    for (std::size_t g = 0; g < groups; ++g) {
      if (g % 2 == 0) transpose_words(words + (n * groups + g) * kSteps, groups * kSteps, turned[0], kTransposeSide);
      I32 sum = _mm512_setzero_si512();
      for (std::size_t k = 0; k < kSteps; ++k) {
        const I32 step = _mm512_load_si512(turned[g % 2 * kSteps + k]);
        _mm512_storeu_si512(values + (g * kSteps + k) * kInt8Panel + n, step);
        sum = _mm512_dpbusd_epi32(sum, ones, step);
      }
      _mm512_storeu_si512(panel.bias + g * kInt8Panel + n,
                          _mm512_slli_epi32(_mm512_sub_epi32(_mm512_setzero_si512(), sum), 7));
    }
  }
  pack_groups(weights.scales, groups, panel.scales);
  if (panel.offsets != nullptr) pack_groups(weights.offsets, groups, panel.offsets);
}

template <typename T>
void int8_product(const Int8Rows& x, const Int8Panel& panel, std::size_t columns, T* y, std::size_t stride) {
  panel.offsets != nullptr ? product<true>(x, panel, columns, y, stride) : product<false>(x, panel, columns, y, stride);
}

template void quantize_rows<tome::bf16>(const tome::bf16*, std::size_t, std::size_t, Int8Rows&);
template void quantize_rows<float>(const float*, std::size_t, std::size_t, Int8Rows&);
template void int8_product<tome::bf16>(const Int8Rows&, const Int8Panel&, std::size_t, tome::bf16*, std::size_t);
template void int8_product<float>(const Int8Rows&, const Int8Panel&, std::size_t, float*, std::size_t);

#endif  // levels without VNNI have no int8 path: the table says so

}  // namespace tome::ops::TOME_LEVEL
