// One vector of f32 lanes, at the CPU level that this file is compiled for (TOME_LEVEL: level_avx2, level_avx512,
// level_bf16, level_amx). Everything here is in the level's own namespace: two levels never share a symbol.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "base/bf16.h"

namespace tome::ops::TOME_LEVEL {

#if defined(__AVX512F__)

using F32 = __m512;
using I32 = __m512i;
inline constexpr int kLanes = 16;

inline F32 zero() { return _mm512_setzero_ps(); }
inline F32 set1(float x) { return _mm512_set1_ps(x); }
inline F32 load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, F32 x) { _mm512_storeu_ps(p, x); }
inline I32 load_words(const std::uint32_t* p) { return _mm512_loadu_si512(p); }
inline F32 add(F32 a, F32 b) { return _mm512_add_ps(a, b); }
inline F32 sub(F32 a, F32 b) { return _mm512_sub_ps(a, b); }
inline F32 mul(F32 a, F32 b) { return _mm512_mul_ps(a, b); }
inline F32 div(F32 a, F32 b) { return _mm512_div_ps(a, b); }
inline F32 max(F32 a, F32 b) { return _mm512_max_ps(a, b); }
inline F32 min(F32 a, F32 b) { return _mm512_min_ps(a, b); }
inline F32 abs(F32 a) { return _mm512_abs_ps(a); }
/// a * b + c
inline F32 fma(F32 a, F32 b, F32 c) { return _mm512_fmadd_ps(a, b, c); }
/// a * b - c
inline F32 fms(F32 a, F32 b, F32 c) { return _mm512_fmsub_ps(a, b, c); }
inline float sum(F32 a) { return _mm512_reduce_add_ps(a); }
inline float max_of(F32 a) { return _mm512_reduce_max_ps(a); }
/// x where low <= i < high, else 0.
inline F32 keep_between(F32 x, F32 i, F32 low, F32 high) {
  const __mmask16 inside = _mm512_cmp_ps_mask(i, low, _CMP_GE_OQ) & _mm512_cmp_ps_mask(i, high, _CMP_LT_OQ);
  return _mm512_maskz_mov_ps(inside, x);
}
/// 0 where low <= i < high, else x.
inline F32 drop_between(F32 x, F32 i, F32 low, F32 high) {
  const __mmask16 outside = _mm512_cmp_ps_mask(i, low, _CMP_LT_OQ) | _mm512_cmp_ps_mask(i, high, _CMP_GE_OQ);
  return _mm512_maskz_mov_ps(outside, x);
}
inline F32 round(F32 a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/// a * 2^floor(n)
inline F32 scale2(F32 a, F32 n) { return _mm512_scalef_ps(a, n); }
/// The lower and the upper bf16 of every 32-bit word, as f32.
inline F32 low_bf16(I32 words) { return _mm512_castsi512_ps(_mm512_slli_epi32(words, 16)); }
inline F32 high_bf16(I32 words) { return _mm512_castsi512_ps(_mm512_and_si512(words, _mm512_set1_epi32(-65536))); }
inline F32 load(const bf16* p) {
  return _mm512_castsi512_ps(
      _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))), 16));
}

inline __m256i narrow(F32 x) {
#if defined(__AVX512BF16__)
  return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x));
#else
  const __m512i u = _mm512_castps_si512(x);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
  return _mm512_cvtepi32_epi16(
      _mm512_srli_epi32(_mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16));
#endif
}
inline void store(bf16* p, F32 x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow(x)); }

#else

using F32 = __m256;
using I32 = __m256i;
inline constexpr int kLanes = 8;

inline F32 zero() { return _mm256_setzero_ps(); }
inline F32 set1(float x) { return _mm256_set1_ps(x); }
inline F32 load(const float* p) { return _mm256_loadu_ps(p); }
inline void store(float* p, F32 x) { _mm256_storeu_ps(p, x); }
inline I32 load_words(const std::uint32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
inline F32 add(F32 a, F32 b) { return _mm256_add_ps(a, b); }
inline F32 sub(F32 a, F32 b) { return _mm256_sub_ps(a, b); }
inline F32 mul(F32 a, F32 b) { return _mm256_mul_ps(a, b); }
inline F32 div(F32 a, F32 b) { return _mm256_div_ps(a, b); }
inline F32 max(F32 a, F32 b) { return _mm256_max_ps(a, b); }
inline F32 min(F32 a, F32 b) { return _mm256_min_ps(a, b); }
inline F32 abs(F32 a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
inline F32 fma(F32 a, F32 b, F32 c) { return _mm256_fmadd_ps(a, b, c); }
inline F32 fms(F32 a, F32 b, F32 c) { return _mm256_fmsub_ps(a, b, c); }
inline float sum(F32 a) {
  __m128 x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  x = _mm_add_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}
inline float max_of(F32 a) {
  __m128 x = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  x = _mm_max_ps(x, _mm_movehl_ps(x, x));
  return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}
inline F32 keep_between(F32 x, F32 i, F32 low, F32 high) {
  return _mm256_and_ps(x, _mm256_and_ps(_mm256_cmp_ps(i, low, _CMP_GE_OQ), _mm256_cmp_ps(i, high, _CMP_LT_OQ)));
}
inline F32 drop_between(F32 x, F32 i, F32 low, F32 high) {
  return _mm256_and_ps(x, _mm256_or_ps(_mm256_cmp_ps(i, low, _CMP_LT_OQ), _mm256_cmp_ps(i, high, _CMP_GE_OQ)));
}
inline F32 round(F32 a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/// a * 2^n for an integral n
inline F32 scale2(F32 a, F32 n) {
  const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), exponent));
}
inline F32 low_bf16(I32 words) { return _mm256_castsi256_ps(_mm256_slli_epi32(words, 16)); }
inline F32 high_bf16(I32 words) { return _mm256_castsi256_ps(_mm256_and_si256(words, _mm256_set1_epi32(-65536))); }
inline F32 load(const bf16* p) {
  return _mm256_castsi256_ps(
      _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))), 16));
}
inline __m128i narrow(F32 x) {
  const __m256i u = _mm256_castps_si256(x);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
  return _mm_packus_epi32(_mm256_castsi256_si128(rounded), _mm256_extracti128_si256(rounded, 1));
}
inline void store(bf16* p, F32 x) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), narrow(x)); }

#endif

/// Words from kTransposeSide rows to as many columns: to[j][i] = from[i][j]; strides in words.
inline constexpr std::size_t kTransposeSide = 16;
inline void transpose_words(const std::uint32_t* from, std::size_t stride, std::uint32_t* to, std::size_t to_stride) {
#if defined(__AVX512F__)
  __m512i rows[16], pairs[16];
  for (std::size_t i = 0; i < 16; ++i) rows[i] = _mm512_loadu_si512(from + i * stride);
  for (std::size_t i = 0; i < 16; i += 2) {  // words of two rows
    pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  for (std::size_t i = 0; i < 16; i += 4) {  // of four: rows[i + j] has words 4 * lane + j
    for (std::size_t j = 0; j < 2; ++j) {
      rows[i + 2 * j] = _mm512_unpacklo_epi64(pairs[i + j], pairs[i + 2 + j]);
      rows[i + 2 * j + 1] = _mm512_unpackhi_epi64(pairs[i + j], pairs[i + 2 + j]);
    }
  }
  for (std::size_t j = 0; j < 4; ++j) {  // all sixteen: 128-bit lanes to their places
    const __m512i low = _mm512_shuffle_i32x4(rows[j], rows[4 + j], 0x88);
    const __m512i high = _mm512_shuffle_i32x4(rows[j], rows[4 + j], 0xdd);
    const __m512i low2 = _mm512_shuffle_i32x4(rows[8 + j], rows[12 + j], 0x88);
    const __m512i high2 = _mm512_shuffle_i32x4(rows[8 + j], rows[12 + j], 0xdd);
    _mm512_storeu_si512(to + j * to_stride, _mm512_shuffle_i32x4(low, low2, 0x88));
    _mm512_storeu_si512(to + (4 + j) * to_stride, _mm512_shuffle_i32x4(high, high2, 0x88));
    _mm512_storeu_si512(to + (8 + j) * to_stride, _mm512_shuffle_i32x4(low, low2, 0xdd));
    _mm512_storeu_si512(to + (12 + j) * to_stride, _mm512_shuffle_i32x4(high, high2, 0xdd));
  }
#else
  for (std::size_t i = 0; i < kTransposeSide; ++i) {
    for (std::size_t j = 0; j < kTransposeSide; ++j) to[j * to_stride + i] = from[i * stride + j];
  }
#endif
}

#if defined(__AVX512F__)
/// x - floor(x)
inline F32 fraction(F32 x) { return _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }

/// 2^x, relative error below 3e-6 (the best polynomial of degree 4 on [0, 1)), down to where it rounds to zero.
inline F32 exp2(F32 x) {
  const F32 part = fraction(x);
  F32 p = set1(0.0135341679f);
  p = fma(p, part, set1(0.0520114606f));
  p = fma(p, part, set1(0.2414427569f));
  p = fma(p, part, set1(0.6930038345f));
  p = fma(p, part, set1(1.0000025934f));
  return scale2(p, x);  // times 2^floor(x)
}

/// The same below 8e-5 (degree 3), for what is rounded to bf16 (2e-3).
inline F32 exp2_for_bf16(F32 x) {
  const F32 part = fraction(x);
  F32 p = set1(0.0780245226f);
  p = fma(p, part, set1(0.2260671554f));
  p = fma(p, part, set1(0.6958335405f));
  p = fma(p, part, set1(0.9999252186f));
  return scale2(p, x);
}
#else
/// 2^x, relative error below 3e-6 (the best polynomial of degree 4 on [-0.5, 0.5]); x below -126 gives 2^-126: a
/// harmless near zero.
inline F32 exp2(F32 x) {
  x = max(x, set1(-126.0f));  // scale2 cannot go lower
  const F32 whole = round(x);
  const F32 part = sub(x, whole);
  F32 p = set1(0.0095701020f);
  p = fma(p, part, set1(0.0559178608f));
  p = fma(p, part, set1(0.2402474483f));
  p = fma(p, part, set1(0.6931218147f));
  p = fma(p, part, set1(0.9999992614f));
  return scale2(p, whole);
}
#endif

/// 2^x to f32 rounding (degree 6), for activations and f32 references.
inline F32 exp2_accurate(F32 x) {
  x = max(min(x, set1(126.0f)), set1(-126.0f));
  const F32 whole = round(x);
  const F32 part = sub(x, whole);
  F32 p = set1(1.5403530393e-4f);
  p = fma(p, part, set1(1.3333558146e-3f));
  p = fma(p, part, set1(9.6181291076e-3f));
  p = fma(p, part, set1(5.5504108665e-2f));
  p = fma(p, part, set1(2.4022650696e-1f));
  p = fma(p, part, set1(6.9314718056e-1f));
  p = fma(p, part, set1(1.0f));
  return scale2(p, whole);
}

}  // namespace tome::ops::TOME_LEVEL
