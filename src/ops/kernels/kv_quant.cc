#include "ops/kernels/kv_quant.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/kernels/simd.h"

namespace tome::ops::TOME_LEVEL {
namespace {

constexpr std::size_t kWords = kKvGroupWords;  // whose lower numbers share a scale, and whose upper do

inline std::uint16_t to_half(float x) {
  return static_cast<std::uint16_t>(_mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(x), _MM_FROUND_TO_NEAREST_INT)));
}
inline float from_half(std::uint16_t h) { return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(h))); }

// The lower (0) or upper (1) bf16 of a word.
inline float half_of(std::uint32_t word, int half) {
  return static_cast<float>(std::bit_cast<tome::bf16>(static_cast<std::uint16_t>(word >> (16 * half))));
}

// bf16 pairs from their lower and upper numbers.
inline void store_pairs(std::uint32_t* words, F32 low, F32 high) {
  tome::bf16 halves[2][kLanes];
  store(halves[0], low);
  store(halves[1], high);
#if defined(__AVX512F__)
  const __m512i l = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves[0])));
  const __m512i h = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(halves[1])));
  _mm512_storeu_si512(words, _mm512_or_si512(l, _mm512_slli_epi32(h, 16)));
#else
  const __m256i l = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves[0])));
  const __m256i h = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(halves[1])));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(words), _mm256_or_si256(l, _mm256_slli_epi32(h, 16)));
#endif
}

// kLanes bytes as numbers: signed ones, or the two halves of unsigned ones.
#if defined(__AVX512F__)
inline I32 bytes_to_words(const std::uint8_t* p) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline F32 low_nibbles(I32 x) { return _mm512_cvtepi32_ps(_mm512_and_si512(x, _mm512_set1_epi32(15))); }
inline F32 high_nibbles(I32 x) { return _mm512_cvtepi32_ps(_mm512_srli_epi32(x, 4)); }
inline I32 pairs_to_words(const std::int8_t* p) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline F32 low_shorts(I32 x) { return _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(x, 16), 16)); }
inline F32 high_shorts(I32 x) { return _mm512_cvtepi32_ps(_mm512_srai_epi32(x, 16)); }
#else
inline I32 bytes_to_words(const std::uint8_t* p) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
inline F32 low_nibbles(I32 x) { return _mm256_cvtepi32_ps(_mm256_and_si256(x, _mm256_set1_epi32(15))); }
inline F32 high_nibbles(I32 x) { return _mm256_cvtepi32_ps(_mm256_srli_epi32(x, 4)); }
inline I32 pairs_to_words(const std::int8_t* p) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline F32 low_shorts(I32 x) { return _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(x, 16), 16)); }
inline F32 high_shorts(I32 x) { return _mm256_cvtepi32_ps(_mm256_srai_epi32(x, 16)); }
#endif

// A plane: the values, then for every kWords words the scale (and minimum) of their lower and of their upper numbers.
//   q8  [count][2] int8                             [count / 32][2] f16 scale
//   q4  [count] byte, low half the lower number     [count / 32][2][2] f16 scale, minimum
struct Range {
  float least, most;
};

// Of the lower (half 0) or upper (half 1) numbers of a group.
inline Range range_of(const std::uint32_t* words, int half) {
  Range range{half_of(words[0], half), half_of(words[0], half)};
  for (std::size_t i = 1; i < kWords; ++i) {
    range.least = std::min(range.least, half_of(words[i], half));
    range.most = std::max(range.most, half_of(words[i], half));
  }
  return range;
}

void quantize_q8(const std::uint32_t* words, std::size_t count, std::uint32_t* plane) {
  auto* values = reinterpret_cast<std::int8_t*>(plane);
  auto* scales = reinterpret_cast<std::uint16_t*>(values + 2 * count);
  for (std::size_t g = 0; g < count / kWords; ++g, words += kWords, values += 2 * kWords, scales += 2) {
    for (int half = 0; half < 2; ++half) {
      const Range range = range_of(words, half);
      scales[half] = to_half(std::max(std::fabs(range.least), std::fabs(range.most)) / 127.0f);
      const float scale = from_half(scales[half]);
      const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
      for (std::size_t i = 0; i < kWords; ++i) {
        const float level = std::nearbyintf(half_of(words[i], half) * inverse);
        values[2 * i + static_cast<std::size_t>(half)] = static_cast<std::int8_t>(std::clamp(level, -127.0f, 127.0f));
      }
    }
  }
}

void quantize_q4(const std::uint32_t* words, std::size_t count, std::uint32_t* plane) {
  auto* values = reinterpret_cast<std::uint8_t*>(plane);
  auto* scales = reinterpret_cast<std::uint16_t*>(values + count);
  std::memset(values, 0, count);
  for (std::size_t g = 0; g < count / kWords; ++g, words += kWords, values += kWords, scales += 4) {
    for (int half = 0; half < 2; ++half) {
      const Range range = range_of(words, half);
      scales[2 * half] = to_half((range.most - range.least) / 15.0f);
      scales[2 * half + 1] = to_half(range.least);
      const float scale = from_half(scales[2 * half]);
      const float minimum = from_half(scales[2 * half + 1]);
      const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
      for (std::size_t i = 0; i < kWords; ++i) {
        const float level = std::clamp(std::nearbyintf((half_of(words[i], half) - minimum) * inverse), 0.0f, 15.0f);
        values[i] = static_cast<std::uint8_t>(values[i] | static_cast<unsigned>(level) << (4 * half));
      }
    }
  }
}

void unpack_q8(const std::uint32_t* plane, std::size_t count, std::uint32_t* words) {
  const auto* values = reinterpret_cast<const std::int8_t*>(plane);
  const auto* scales = reinterpret_cast<const std::uint16_t*>(values + 2 * count);
  for (std::size_t i = 0; i < count; i += kLanes) {
    const std::uint16_t* pair = scales + i / kWords * 2;
    const I32 pairs = pairs_to_words(values + 2 * i);
    store_pairs(words + i, mul(low_shorts(pairs), set1(from_half(pair[0]))),
                mul(high_shorts(pairs), set1(from_half(pair[1]))));
  }
}

void unpack_q4(const std::uint32_t* plane, std::size_t count, std::uint32_t* words) {
  const auto* values = reinterpret_cast<const std::uint8_t*>(plane);
  const auto* scales = reinterpret_cast<const std::uint16_t*>(values + count);
  for (std::size_t i = 0; i < count; i += kLanes) {
    const std::uint16_t* four = scales + i / kWords * 4;
    const I32 bytes = bytes_to_words(values + i);
    store_pairs(words + i, fma(low_nibbles(bytes), set1(from_half(four[0])), set1(from_half(four[1]))),
                fma(high_nibbles(bytes), set1(from_half(four[2])), set1(from_half(four[3]))));
  }
}

}  // namespace

void kv_quantize(KvType type, const std::uint32_t* words, std::size_t count, std::uint32_t* plane) {
  type == KvType::kQ8 ? quantize_q8(words, count, plane) : quantize_q4(words, count, plane);
}

void kv_unpack(KvType type, const std::uint32_t* plane, std::size_t count, std::uint32_t* words) {
  type == KvType::kQ8 ? unpack_q8(plane, count, words) : unpack_q4(plane, count, words);
}

}  // namespace tome::ops::TOME_LEVEL
