#include "ops/kernels/gemv.h"

#include <cstring>

#include "ops/kernels/simd.h"

namespace tome::ops::TOME_LEVEL {

#if defined(__AVX512VNNI__)

namespace {

// All kernels work on 64 weights at a time: as unsigned bytes in one register, times 64 signed bytes of x, sums of four
// in 16 lanes. A lane's scale is that of its block (times x's own scale), so one multiply-add joins it to the total. The
// constant part of each format (-8 d, + m, ...) multiplies the known sum of x over the block.

inline float half_to_float(const std::byte* p) {
  std::uint16_t h;
  std::memcpy(&h, p, 2);
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(h)));
}

inline __m512i pair_index() { return _mm512_set_epi32(1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0); }
inline __m512i half_index() { return _mm512_set_epi32(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0); }
inline __m512i quarter_index() { return _mm512_set_epi32(3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0); }

// Two consecutive floats spread over 16 lanes as `index` says.
inline F32 spread2(const float* pair, __m512i index) {
  double both;
  std::memcpy(&both, pair, 8);
  return _mm512_permutexvar_ps(index, _mm512_castpd_ps(_mm512_set1_pd(both)));
}

inline F32 dot64(F32 total, __m512i weights, const std::int8_t* x, F32 scale) {
  const __m512i sums = _mm512_dpbusd_epi32(_mm512_setzero_si512(), weights, _mm512_loadu_si512(x));
  return fma(_mm512_cvtepi32_ps(sums), scale, total);
}

// The nibbles of two 16-byte fields: low halves of both, then high halves of both.
inline __m512i nibbles(const std::byte* first, const std::byte* second) {
  const __m256i bytes = _mm256_inserti128_si256(
      _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(first))),
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(second)), 1);
  const __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(bytes), _mm256_srli_epi16(bytes, 4), 1);
  return _mm512_and_si512(both, _mm512_set1_epi8(15));
}

// Scales of blocks of 32 that begin with an f16 (and, with kMinimum, a second one): out[b] = d[b] * x.scales[b]; returns
// the sum over blocks of minimum[b] * x.sums[b] (kMinimum) or of d[b] * x.sums[b].
template <std::size_t kBytes, bool kMinimum>
inline float block_scales(const std::byte* row, const GemvInput& x, float* out) {
  const std::size_t blocks = x.scales.size();
  const __m512i steps = _mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                                           _mm512_set1_epi32(static_cast<int>(kBytes)));
  F32 constant = zero();
  for (std::size_t b = 0; b < blocks; b += 16) {
    const std::size_t left = blocks - b;
    const auto mask = static_cast<__mmask16>(left >= 16 ? 0xffffu : (1u << left) - 1u);
    const __m512i words = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), mask, steps, row + b * kBytes, 1);
    const F32 d = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(words));
    _mm512_mask_storeu_ps(out + b, mask, mul(d, _mm512_maskz_loadu_ps(mask, x.scales.data() + b)));
    const F32 factor = kMinimum ? _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(words, 16))) : d;
    constant = fma(factor, _mm512_maskz_loadu_ps(mask, x.sums.data() + b), constant);
  }
  return sum(constant);
}

struct Q4_0 {
  static constexpr std::size_t kBytes = 18;
  static float dot(const std::byte* row, const GemvInput& x, float* scales) {
    const float constant = block_scales<kBytes, false>(row, x, scales);
    F32 total = zero();
    for (std::size_t b = 0; b < x.scales.size(); b += 2, row += 2 * kBytes) {
      total = dot64(total, nibbles(row + 2, row + kBytes + 2), x.paired.data() + 32 * b, spread2(scales + b, pair_index()));
    }
    return sum(total) - 8.0f * constant;
  }
};

struct Q4_1 {
  static constexpr std::size_t kBytes = 20;
  static float dot(const std::byte* row, const GemvInput& x, float* scales) {
    const float constant = block_scales<kBytes, true>(row, x, scales);
    F32 total = zero();
    for (std::size_t b = 0; b < x.scales.size(); b += 2, row += 2 * kBytes) {
      total = dot64(total, nibbles(row + 4, row + kBytes + 4), x.paired.data() + 32 * b, spread2(scales + b, pair_index()));
    }
    return sum(total) + constant;
  }
};

struct Q5_0 {
  static constexpr std::size_t kBytes = 22;
  static float dot(const std::byte* row, const GemvInput& x, float* scales) {
    const float constant = block_scales<kBytes, false>(row, x, scales);
    F32 total = zero();
    for (std::size_t b = 0; b < x.scales.size(); b += 2, row += 2 * kBytes) {
      std::uint32_t first, second;
      std::memcpy(&first, row + 2, 4);
      std::memcpy(&second, row + kBytes + 2, 4);
      const std::uint64_t low = (first & 0xffffu) | second << 16;
      const std::uint64_t high = first >> 16 | (second & 0xffff0000u);
      const __m512i nibble = nibbles(row + 6, row + kBytes + 6);
      const __m512i weights = _mm512_mask_add_epi8(nibble, high << 32 | low, nibble, _mm512_set1_epi8(16));
      total = dot64(total, weights, x.paired.data() + 32 * b, spread2(scales + b, pair_index()));
    }
    return sum(total) - 16.0f * constant;
  }
};

struct Q8_0 {
  static constexpr std::size_t kBytes = 34;
  static float dot(const std::byte* row, const GemvInput& x, float* scales) {
    const float constant = block_scales<kBytes, false>(row, x, scales);
    F32 total = zero();
    for (std::size_t b = 0; b < x.scales.size(); b += 2, row += 2 * kBytes) {
      const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row + 2));
      const __m256i second = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row + kBytes + 2));
      const __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
      const __m512i weights = _mm512_xor_si512(both, _mm512_set1_epi8(-128));  // plus 128, unsigned
      total = dot64(total, weights, x.in_order.data() + 32 * b, spread2(scales + b, half_index()));
    }
    return sum(total) - 128.0f * constant;
  }
};

struct Q4_K {
  static constexpr std::size_t kBytes = 144;
  static float dot(const std::byte* row, const GemvInput& x, float* scales) {
    F32 total = zero();
    __m256 constant = _mm256_setzero_ps();
    for (std::size_t b = 0; b < x.scales.size(); b += 8, row += kBytes) {
      std::uint32_t packed[3];
      std::memcpy(packed, row + 4, 12);
      const std::uint32_t scale_words[2] = {packed[0] & 0x3f3f3f3fu,
                                            (packed[2] & 0x0f0f0f0fu) | (packed[0] >> 6 & 0x03030303u) << 4};
      const std::uint32_t minimum_words[2] = {packed[1] & 0x3f3f3f3fu,
                                              (packed[2] >> 4 & 0x0f0f0f0fu) | (packed[1] >> 6 & 0x03030303u) << 4};
      const auto floats = [](const std::uint32_t* words) {
        return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(words))));
      };
      const __m256 d = _mm256_set1_ps(half_to_float(row));
      const __m256 minimum = _mm256_set1_ps(half_to_float(row + 2));
      _mm256_storeu_ps(scales, _mm256_mul_ps(_mm256_mul_ps(d, floats(scale_words)), _mm256_loadu_ps(x.scales.data() + b)));
      constant = _mm256_fmadd_ps(_mm256_mul_ps(minimum, floats(minimum_words)), _mm256_loadu_ps(x.sums.data() + b), constant);
      for (std::size_t j = 0; j < 4; ++j) {
        total = dot64(total, nibbles(row + 16 + 32 * j, row + 32 + 32 * j), x.in_order.data() + 32 * (b + 2 * j),
                      spread2(scales + 2 * j, half_index()));
      }
    }
    return sum(total) - sum(_mm512_zextps256_ps512(constant));
  }
};

struct Q6_K {
  static constexpr std::size_t kBytes = 210;
  static float dot(const std::byte* row, const GemvInput& x, float* scales) {
    F32 total = zero();
    F32 constant = zero();
    const __m512i repeat = _mm512_set_epi32(7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
    for (std::size_t b = 0; b < x.scales.size(); b += 8, row += kBytes) {
      const F32 d = mul(set1(half_to_float(row + 208)),
                        _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(row + 192)))));
      constant = fma(d, load(x.half_sums.data() + 2 * b), constant);
      const F32 x_scales = _mm512_permutexvar_ps(repeat, _mm512_zextps256_ps512(_mm256_loadu_ps(x.scales.data() + b)));
      store(scales, mul(d, x_scales));
      for (std::size_t half = 0; half < 2; ++half) {
        const __m512i low = _mm512_loadu_si512(row + 64 * half);
        const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row + 128 + 32 * half));
        const auto weights = [&](__m512i nibble, int shift) {
          const __m512i two = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_srli_epi16(high, shift)),
                                                 _mm256_srli_epi16(high, shift + 2), 1);
          const __m512i bits = _mm512_slli_epi16(_mm512_and_si512(two, _mm512_set1_epi8(3)), 4);
          return _mm512_or_si512(_mm512_and_si512(nibble, _mm512_set1_epi8(15)), bits);
        };
        const auto spread4 = [&](const float* four) {
          return _mm512_permutexvar_ps(quarter_index(), _mm512_broadcast_f32x4(_mm_loadu_ps(four)));
        };
        const std::int8_t* values = x.in_order.data() + 32 * b + 128 * half;
        total = dot64(total, weights(low, 0), values, spread4(scales + 8 * half));
        total = dot64(total, weights(_mm512_srli_epi16(low, 4), 4), values + 64, spread4(scales + 8 * half + 4));
      }
    }
    return sum(total) - 32.0f * sum(constant);
  }
};

template <typename Format>
bool all_rows(const std::byte* rows, std::size_t row_bytes, const GemvInput& x, std::span<float> y) {
  thread_local std::vector<float> scales;
  scales.resize(x.scales.size() + 16);
  for (std::size_t r = 0; r < y.size(); ++r) y[r] = Format::dot(rows + r * row_bytes, x, scales.data());
  return true;
}

}  // namespace

bool gemv(TensorType type, const std::byte* rows, std::size_t row_bytes, const GemvInput& x, std::span<float> y) {
  switch (type) {
    case TensorType::kQ4_0: return all_rows<Q4_0>(rows, row_bytes, x, y);
    case TensorType::kQ4_1: return all_rows<Q4_1>(rows, row_bytes, x, y);
    case TensorType::kQ5_0: return all_rows<Q5_0>(rows, row_bytes, x, y);
    case TensorType::kQ8_0: return all_rows<Q8_0>(rows, row_bytes, x, y);
    case TensorType::kQ4_K: return all_rows<Q4_K>(rows, row_bytes, x, y);
    case TensorType::kQ6_K: return all_rows<Q6_K>(rows, row_bytes, x, y);
    default: return false;
  }
}

#endif  // levels without VNNI take the f32 path of ops/gemv.cc

}  // namespace tome::ops::TOME_LEVEL
