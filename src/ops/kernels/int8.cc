#include "ops/kernels/int8.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/kernels/simd.h"

namespace tome::ops::TOME_LEVEL {

#if defined(__AVX512VNNI__)

namespace {

constexpr int kVectors = static_cast<int>(kInt8Panel) / kLanes;  // of one panel row
constexpr int kRows = 6;
constexpr int kSteps = static_cast<int>(kInt8Group) / 4;

inline void store_t(float* p, F32 x, __mmask16 mask) { _mm512_mask_storeu_ps(p, mask, x); }
inline void store_t(tome::bf16* p, F32 x, __mmask16 mask) { _mm256_mask_storeu_epi16(p, mask, narrow(x)); }

// R rows times one panel.
template <int R, typename T>
inline void panel_rows(const std::uint8_t* x, const float* x_scales, std::size_t groups, const std::int8_t* panel,
                       const float* scales, const std::int32_t* bias, std::size_t columns, T* y, std::size_t stride) {
  F32 total[R][kVectors];
  for (auto& row : total) {
    for (auto& t : row) t = zero();
  }
  const std::size_t row_bytes = groups * kInt8Group;
  for (std::size_t g = 0; g < groups; ++g) {
    I32 sums[R][kVectors];
    for (int n = 0; n < kVectors; ++n) {
      const I32 start = _mm512_loadu_si512(bias + g * kInt8Panel + static_cast<std::size_t>(n * kLanes));
      for (int r = 0; r < R; ++r) sums[r][n] = start;
    }
    const std::int8_t* w = panel + g * kInt8Group * kInt8Panel;
    const std::uint8_t* a = x + g * kInt8Group;
    for (int k = 0; k < kSteps; ++k, w += 4 * kInt8Panel, a += 4) {
      I32 columns_k[kVectors];
      for (int n = 0; n < kVectors; ++n) columns_k[n] = _mm512_loadu_si512(w + n * 64);
      for (int r = 0; r < R; ++r) {
        std::int32_t word;
        std::memcpy(&word, a + static_cast<std::size_t>(r) * row_bytes, 4);
        const I32 row = _mm512_set1_epi32(word);
        for (int n = 0; n < kVectors; ++n) sums[r][n] = _mm512_dpbusd_epi32(sums[r][n], row, columns_k[n]);
      }
    }
    for (int n = 0; n < kVectors; ++n) {
      const F32 scale = load(scales + g * kInt8Panel + static_cast<std::size_t>(n * kLanes));
      for (int r = 0; r < R; ++r) {
        const F32 both = mul(scale, set1(x_scales[static_cast<std::size_t>(r) * groups + g]));
        total[r][n] = fma(_mm512_cvtepi32_ps(sums[r][n]), both, total[r][n]);
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int n = 0; n < kVectors; ++n) {
      const int left = static_cast<int>(columns) - n * kLanes;
      if (left <= 0) break;
      const auto mask = static_cast<__mmask16>(left >= kLanes ? 0xffffu : (1u << left) - 1u);
      store_t(y + static_cast<std::size_t>(r) * stride + static_cast<std::size_t>(n * kLanes), total[r][n], mask);
    }
  }
}

}  // namespace

template <typename T>
void quantize_rows(const T* x, std::size_t rows, std::size_t width, Int8Rows& out) {
  out.resize(rows, width);
  alignas(64) float group[kInt8Group];
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t g = 0; g < out.groups; ++g) {
      const std::size_t first = g * kInt8Group;
      const std::size_t count = std::min(kInt8Group, width - first);
      if (count < kInt8Group) std::fill(group, group + kInt8Group, 0.0f);
      const T* from = x + r * width + first;
      F32 v[4];
      if (count == kInt8Group) {
        for (int i = 0; i < 4; ++i) v[i] = load(from + i * kLanes);
      } else {
        for (std::size_t i = 0; i < count; ++i) group[i] = static_cast<float>(from[i]);
        for (int i = 0; i < 4; ++i) v[i] = load(group + i * kLanes);
      }
      const float top = max_of(max(max(abs(v[0]), abs(v[1])), max(abs(v[2]), abs(v[3]))));
      const float scale = top / 127.0f;
      out.scales[r * out.groups + g] = scale;
      const F32 inverse = set1(top > 0 ? 127.0f / top : 0.0f);
      std::uint8_t* to = out.values.data() + (r * out.groups + g) * kInt8Group;
      for (int i = 0; i < 4; ++i) {
        const __m512i q = _mm512_add_epi32(_mm512_cvtps_epi32(mul(v[i], inverse)), _mm512_set1_epi32(128));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i * kLanes), _mm512_cvtepi32_epi8(q));
      }
    }
  }
}

void int8_pack(const float* weights, std::size_t columns, std::size_t width, std::int8_t* panel, float* scales,
               std::int32_t* bias) {
  const std::size_t groups = int8_groups(width);
  alignas(64) std::int8_t quantized[kInt8Group];
  for (std::size_t n = 0; n < kInt8Panel; ++n) {
    for (std::size_t g = 0; g < groups; ++g) {
      const std::size_t first = g * kInt8Group;
      const std::size_t count = n < columns ? std::min(kInt8Group, width - first) : 0;
      const float* w = weights + n * width + first;
      float top = 0;
      for (std::size_t i = 0; i < count; ++i) top = std::max(top, std::fabs(w[i]));
      const float inverse = top > 0 ? 127.0f / top : 0.0f;
      std::int32_t total = 0;
      std::memset(quantized, 0, sizeof quantized);
      for (std::size_t i = 0; i < count; ++i) {
        const auto q = static_cast<std::int32_t>(std::nearbyintf(w[i] * inverse));
        quantized[i] = static_cast<std::int8_t>(q);
        total += q;
      }
      scales[g * kInt8Panel + n] = top / 127.0f;
      bias[g * kInt8Panel + n] = -128 * total;
      std::int8_t* to = panel + g * kInt8Group * kInt8Panel + n * 4;
      for (std::size_t k = 0; k < kInt8Group / 4; ++k) std::memcpy(to + k * 4 * kInt8Panel, quantized + 4 * k, 4);
    }
  }
}

template <typename T>
void int8_product(const Int8Rows& x, const std::int8_t* panel, const float* scales, const std::int32_t* bias,
                  std::size_t columns, T* y, std::size_t stride) {
  std::size_t r = 0;
  const std::size_t row_bytes = x.groups * kInt8Group;
  const auto rows = [&](auto count) {
    panel_rows<decltype(count)::value>(x.values.data() + r * row_bytes, x.scales.data() + r * x.groups, x.groups, panel,
                                       scales, bias, columns, y + r * stride, stride);
    r += static_cast<std::size_t>(decltype(count)::value);
  };
  while (r + kRows <= x.rows) rows(std::integral_constant<int, kRows>{});
  switch (x.rows - r) {
    case 1: return rows(std::integral_constant<int, 1>{});
    case 2: return rows(std::integral_constant<int, 2>{});
    case 3: return rows(std::integral_constant<int, 3>{});
    case 4: return rows(std::integral_constant<int, 4>{});
    case 5: return rows(std::integral_constant<int, 5>{});
    default: return;
  }
}

template void quantize_rows<tome::bf16>(const tome::bf16*, std::size_t, std::size_t, Int8Rows&);
template void quantize_rows<float>(const float*, std::size_t, std::size_t, Int8Rows&);
template void int8_product<tome::bf16>(const Int8Rows&, const std::int8_t*, const float*, const std::int32_t*,
                                       std::size_t, tome::bf16*, std::size_t);
template void int8_product<float>(const Int8Rows&, const std::int8_t*, const float*, const std::int32_t*, std::size_t,
                                  float*, std::size_t);

#endif  // levels without VNNI have no int8 path: the table says so

}  // namespace tome::ops::TOME_LEVEL
