#include "ops/kernels/int8.h"

#include <algorithm>
#include <cstring>

#include "ops/kernels/simd.h"

namespace tome::ops::TOME_LEVEL {

#if defined(__AVX512VNNI__)

namespace {

constexpr int kVectors = static_cast<int>(kInt8Panel) / kLanes;  // of one panel row
constexpr int kRows = 6;
constexpr int kSteps = static_cast<int>(kInt8Group) / 4;
constexpr int kRotationVectors = static_cast<int>(kInt8Rotation) / kLanes;

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

// Lanes with bit `kBit` of their number: (other - own), without: (other + own), `other` being the lane with that bit changed.
template <int kBit>
inline F32 butterfly(F32 own, F32 other) {
  constexpr __mmask16 kMasks[] = {0, 0xaaaa, 0xcccc, 0, 0xf0f0, 0, 0, 0, 0xff00};
  return _mm512_mask_sub_ps(_mm512_add_ps(other, own), kMasks[kBit], other, own);
}

// Multiplies 64 numbers by the Walsh-Hadamard matrix over 8 (orthogonal).
inline void rotate64(F32 (&v)[kRotationVectors]) {
  for (F32& x : v) {
    x = butterfly<1>(x, _mm512_permute_ps(x, 0xb1));
    x = butterfly<2>(x, _mm512_permute_ps(x, 0x4e));
    x = butterfly<4>(x, _mm512_shuffle_f32x4(x, x, 0xb1));
    x = butterfly<8>(x, _mm512_shuffle_f32x4(x, x, 0x4e));
  }
  const F32 a = add(v[0], v[1]), b = sub(v[0], v[1]), c = add(v[2], v[3]), d = sub(v[2], v[3]);
  const F32 eighth = set1(0.125f);
  v[0] = mul(add(a, c), eighth);
  v[1] = mul(add(b, d), eighth);
  v[2] = mul(sub(a, c), eighth);
  v[3] = mul(sub(b, d), eighth);
}

// `count` numbers, zeros after them, rotated.
template <typename T>
inline void load_rotated(const T* from, std::size_t count, F32 (&v)[kRotationVectors]) {
  if (count == kInt8Rotation) {
    for (int i = 0; i < kRotationVectors; ++i) v[i] = load(from + i * kLanes);
  } else {
    float padded[kInt8Rotation] = {};
    for (std::size_t i = 0; i < count; ++i) padded[i] = static_cast<float>(from[i]);
    for (int i = 0; i < kRotationVectors; ++i) v[i] = load(padded + i * kLanes);
  }
  rotate64(v);
}

// Writes the scale of a group of 32 and returns its inverse.
inline float group_scale(F32 first, F32 second, float* scale) {
  const float top = max_of(max(abs(first), abs(second)));
  *scale = top / 127.0f;
  return top > 0 ? 127.0f / top : 0.0f;
}

}  // namespace

template <typename T>
void quantize_rows(const T* x, std::size_t rows, std::size_t width, Int8Rows& out) {
  out.resize(rows, width);
  for (std::size_t r = 0; r < rows; ++r) {
    float* scales = out.scales.data() + r * out.groups;
    std::uint8_t* values = out.values.data() + r * out.groups * kInt8Group;
    for (std::size_t first = 0; first < width; first += kInt8Rotation) {
      F32 v[kRotationVectors];
      load_rotated(x + r * width + first, std::min(kInt8Rotation, width - first), v);
      for (int half = 0; half < kRotationVectors; half += 2, values += kInt8Group) {
        const F32 inverse = set1(group_scale(v[half], v[half + 1], scales++));
        for (int i = 0; i < 2; ++i) {
          const __m512i q = _mm512_add_epi32(_mm512_cvtps_epi32(mul(v[half + i], inverse)), _mm512_set1_epi32(128));
          _mm_storeu_si128(reinterpret_cast<__m128i*>(values + i * kLanes), _mm512_cvtepi32_epi8(q));
        }
      }
    }
  }
}

void int8_pack(const float* weights, std::size_t columns, std::size_t width, std::int8_t* panel, float* scales,
               std::int32_t* bias) {
  const std::size_t groups = int8_groups(width);
  for (std::size_t n = 0; n < kInt8Panel; ++n) {
    if (n >= columns) {
      for (std::size_t g = 0; g < groups; ++g) {
        scales[g * kInt8Panel + n] = 0;
        bias[g * kInt8Panel + n] = 0;
        for (std::size_t k = 0; k < kInt8Group / 4; ++k) std::memset(panel + (g * kInt8Group + 4 * k) * kInt8Panel + 4 * n, 0, 4);
      }
      continue;
    }
    for (std::size_t first = 0; first < width; first += kInt8Rotation) {
      F32 v[kRotationVectors];
      load_rotated(weights + n * width + first, std::min(kInt8Rotation, width - first), v);
      for (int half = 0; half < kRotationVectors; half += 2) {
        const std::size_t g = first / kInt8Group + static_cast<std::size_t>(half / 2);
        const F32 inverse = set1(group_scale(v[half], v[half + 1], scales + g * kInt8Panel + n));
        const __m512i low = _mm512_cvtps_epi32(mul(v[half], inverse));
        const __m512i high = _mm512_cvtps_epi32(mul(v[half + 1], inverse));
        bias[g * kInt8Panel + n] = -128 * _mm512_reduce_add_epi32(_mm512_add_epi32(low, high));
        alignas(32) std::int8_t quantized[kInt8Group];
        _mm_store_si128(reinterpret_cast<__m128i*>(quantized), _mm512_cvtepi32_epi8(low));
        _mm_store_si128(reinterpret_cast<__m128i*>(quantized + kLanes), _mm512_cvtepi32_epi8(high));
        std::int8_t* to = panel + g * kInt8Group * kInt8Panel + n * 4;
        for (std::size_t k = 0; k < kInt8Group / 4; ++k) std::memcpy(to + k * 4 * kInt8Panel, quantized + 4 * k, 4);
      }
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
