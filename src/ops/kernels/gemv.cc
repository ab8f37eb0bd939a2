#include "ops/kernels/gemv.h"

#include <cstring>

#include "ops/kernels/simd.h"

namespace tome::ops::TOME_LEVEL {

#if defined(__AVX512VNNI__)

namespace {

// All kernels work on 64 weights at a time: as unsigned bytes in one register, times 64 signed bytes of x, sums of four
// in 16 lanes. A lane's scale is that of its block (times x's own scale), so one multiply-add joins it to the total.
// The constant part of each format (-8 d, + m, ...) multiplies the known sum of x over the block.

inline float half_to_float(const std::byte* p) {
  std::uint16_t h;
  std::memcpy(&h, p, 2);
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(h)));
}

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
  const __m256i bytes =
      _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(first))),
                              _mm_loadu_si128(reinterpret_cast<const __m128i*>(second)), 1);
  const __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(bytes), _mm256_srli_epi16(bytes, 4), 1);
  return _mm512_and_si512(both, _mm512_set1_epi8(15));
}

inline std::uint32_t load32(const std::byte* p) {
  std::uint32_t word;
  std::memcpy(&word, p, 4);
  return word;
}
inline std::uint32_t load16(const std::byte* p) {
  std::uint16_t half;
  std::memcpy(&half, p, 2);
  return half;
}

// d, m of one block of 32 and d, m of the next, times x's scale, sum, scale, sum. Lanes 1 and 3 are the constant part.
inline __m128 block_factors(std::uint32_t first, std::uint32_t second, const float* factors) {
  const __m128i halves = _mm_insert_epi32(_mm_cvtsi32_si128(static_cast<int>(first)), static_cast<int>(second), 1);
  return _mm_mul_ps(_mm_cvtph_ps(halves), _mm_loadu_ps(factors));
}

// Lanes 0 and 2 of the factors spread over the 16 lanes as `index` says.
inline F32 spread_scales(__m128 factors, __m512i index) {
  return _mm512_permutexvar_ps(index, _mm512_castps128_ps512(factors));
}

// The whole row: lanes of the products, plus `weight` times the constant lanes.
inline float row_sum(F32 total, __m128 constant, float weight) {
  const __m128 both = _mm_maskz_mul_ps(0b1010, constant, _mm_set1_ps(weight));
  return sum(add(total, _mm512_zextps128_ps512(both)));
}

// Blocks of 32 that begin with an f16 scale d (and f16 minimum m), two at a time. Format::weights gives the 64 unsigned
// bytes; the constant part is kConstant * d (or m) times the sum of x.
template <typename Format>
inline float dot_blocks(const std::byte* row, const GemvInput& x) {
  constexpr std::size_t kBytes = Format::kBytes;
  const std::int8_t* values = Format::kPaired ? x.paired.data() : x.in_order.data();
  const __m512i index = Format::kPaired ? _mm512_set_epi32(2, 2, 2, 2, 0, 0, 0, 0, 2, 2, 2, 2, 0, 0, 0, 0)
                                        : _mm512_set_epi32(2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0);
  const std::size_t blocks = x.scales.size();
  F32 total = zero();
  __m128 constant = _mm_setzero_ps();
  for (std::size_t b = 0; b < blocks; b += 2, row += 2 * kBytes) {
    const std::uint32_t first = Format::kMinimum ? load32(row) : load16(row) * 0x10001u;
    const std::uint32_t second = Format::kMinimum ? load32(row + kBytes) : load16(row + kBytes) * 0x10001u;
    const __m128 factors = block_factors(first, second, x.factors.data() + 2 * b);
    constant = _mm_add_ps(constant, factors);
    total = dot64(total, Format::weights(row), values + 32 * b, spread_scales(factors, index));
  }
  return row_sum(total, constant, Format::kConstant);
}

struct Q4_0 {
  static constexpr std::size_t kBytes = 18;
  static constexpr bool kPaired = true, kMinimum = false;
  static constexpr float kConstant = -8;
  static __m512i weights(const std::byte* two) { return nibbles(two + 2, two + kBytes + 2); }
  static float dot(const std::byte* row, const GemvInput& x, float*) { return dot_blocks<Q4_0>(row, x); }
};

struct Q4_1 {
  static constexpr std::size_t kBytes = 20;
  static constexpr bool kPaired = true, kMinimum = true;
  static constexpr float kConstant = 1;
  static __m512i weights(const std::byte* two) { return nibbles(two + 4, two + kBytes + 4); }
  static float dot(const std::byte* row, const GemvInput& x, float*) { return dot_blocks<Q4_1>(row, x); }
};

struct Q5_0 {
  static constexpr std::size_t kBytes = 22;
  static constexpr bool kPaired = true, kMinimum = false;
  static constexpr float kConstant = -16;
  static __m512i weights(const std::byte* two) {
    const std::uint32_t first = load32(two + 2);
    const std::uint32_t second = load32(two + kBytes + 2);
    const std::uint64_t low = (first & 0xffffu) | second << 16;
    const std::uint64_t high = first >> 16 | (second & 0xffff0000u);
    const __m512i nibble = nibbles(two + 6, two + kBytes + 6);
    return _mm512_mask_add_epi8(nibble, high << 32 | low, nibble, _mm512_set1_epi8(16));
  }
  static float dot(const std::byte* row, const GemvInput& x, float*) { return dot_blocks<Q5_0>(row, x); }
};

struct Q8_0 {
  static constexpr std::size_t kBytes = 34;
  static constexpr bool kPaired = false, kMinimum = false;
  static constexpr float kConstant = -128;
  static __m512i weights(const std::byte* two) {
    const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(two + 2));
    const __m256i second = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(two + kBytes + 2));
    const __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
    return _mm512_xor_si512(both, _mm512_set1_epi8(-128));  // plus 128, unsigned
  }
  static float dot(const std::byte* row, const GemvInput& x, float*) { return dot_blocks<Q8_0>(row, x); }
};

// The sums of eight groups from group b on.
inline __m256 group_sums(const GemvInput& x, std::size_t b) {
  const __m512 pairs = _mm512_loadu_ps(x.factors.data() + 2 * b);
  const __m512i odd = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 15, 13, 11, 9, 7, 5, 3, 1);
  return _mm512_castps512_ps256(_mm512_permutexvar_ps(odd, pairs));
}

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
      _mm256_storeu_ps(scales,
                       _mm256_mul_ps(_mm256_mul_ps(d, floats(scale_words)), _mm256_loadu_ps(x.scales.data() + b)));
      constant = _mm256_fmadd_ps(_mm256_mul_ps(minimum, floats(minimum_words)), group_sums(x, b), constant);
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
      const F32 d =
          mul(set1(half_to_float(row + 208)),
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

void quantize_vector(std::span<const float> x, GemvInput& out) {
  for (std::size_t g = 0; g < x.size() / kGemvGroup; ++g) {
    const F32 first = load(x.data() + kGemvGroup * g);
    const F32 second = load(x.data() + kGemvGroup * g + kLanes);
    const float top = max_of(max(abs(first), abs(second)));
    const float scale = top / 127.0f;
    const F32 inverse = set1(top > 0 ? 127.0f / top : 0.0f);
    const I32 low = _mm512_cvtps_epi32(mul(first, inverse));
    const I32 high = _mm512_cvtps_epi32(mul(second, inverse));
    const __m128i low_bytes = _mm512_cvtepi32_epi8(low);
    const __m128i high_bytes = _mm512_cvtepi32_epi8(high);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out.in_order.data() + 32 * g), low_bytes);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out.in_order.data() + 32 * g + 16), high_bytes);
    std::int8_t* paired = out.paired.data() + 64 * (g / 2) + 16 * (g % 2);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(paired), low_bytes);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(paired + 32), high_bytes);
    out.scales[g] = scale;
    out.half_sums[2 * g] = scale * static_cast<float>(_mm512_reduce_add_epi32(low));
    out.half_sums[2 * g + 1] = scale * static_cast<float>(_mm512_reduce_add_epi32(high));
    out.factors[2 * g] = scale;
    out.factors[2 * g + 1] = out.half_sums[2 * g] + out.half_sums[2 * g + 1];
  }
}

bool gemv(TensorType type, const std::byte* rows, std::size_t row_bytes, const GemvInput& x, std::span<float> y) {
  switch (type) {
    case TensorType::kQ4_0:
      return all_rows<Q4_0>(rows, row_bytes, x, y);
    case TensorType::kQ4_1:
      return all_rows<Q4_1>(rows, row_bytes, x, y);
    case TensorType::kQ5_0:
      return all_rows<Q5_0>(rows, row_bytes, x, y);
    case TensorType::kQ8_0:
      return all_rows<Q8_0>(rows, row_bytes, x, y);
    case TensorType::kQ4_K:
      return all_rows<Q4_K>(rows, row_bytes, x, y);
    case TensorType::kQ6_K:
      return all_rows<Q6_K>(rows, row_bytes, x, y);
    default:
      return false;
  }
}

#endif  // levels without VNNI take the f32 path of ops/gemv.cc

}  // namespace tome::ops::TOME_LEVEL
