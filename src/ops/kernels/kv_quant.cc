#include "ops/kernels/kv_quant.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/kernels/simd.h"

namespace tome::ops::TOME_LEVEL {
namespace {

constexpr std::size_t kWords = kKvGroupWords;  // of one group: 32 numbers that share a scale

inline std::uint16_t to_half(float x) {
  return static_cast<std::uint16_t>(_mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(x), _MM_FROUND_TO_NEAREST_INT)));
}
inline float from_half(std::uint16_t h) { return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(h))); }

inline float low_of(std::uint32_t word) { return static_cast<float>(std::bit_cast<tome::bf16>(static_cast<std::uint16_t>(word))); }
inline float high_of(std::uint32_t word) { return static_cast<float>(std::bit_cast<tome::bf16>(static_cast<std::uint16_t>(word >> 16))); }

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
inline I32 bytes_to_words(const std::uint8_t* p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
inline F32 low_nibbles(I32 x) { return _mm512_cvtepi32_ps(_mm512_and_si512(x, _mm512_set1_epi32(15))); }
inline F32 high_nibbles(I32 x) { return _mm512_cvtepi32_ps(_mm512_srli_epi32(x, 4)); }
inline I32 pairs_to_words(const std::int8_t* p) { return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
inline F32 low_shorts(I32 x) { return _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(x, 16), 16)); }
inline F32 high_shorts(I32 x) { return _mm512_cvtepi32_ps(_mm512_srai_epi32(x, 16)); }
#else
inline I32 bytes_to_words(const std::uint8_t* p) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))); }
inline F32 low_nibbles(I32 x) { return _mm256_cvtepi32_ps(_mm256_and_si256(x, _mm256_set1_epi32(15))); }
inline F32 high_nibbles(I32 x) { return _mm256_cvtepi32_ps(_mm256_srli_epi32(x, 4)); }
inline I32 pairs_to_words(const std::int8_t* p) { return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
inline F32 low_shorts(I32 x) { return _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(x, 16), 16)); }
inline F32 high_shorts(I32 x) { return _mm256_cvtepi32_ps(_mm256_srai_epi32(x, 16)); }
#endif

// A plane: the groups' values, then their scales (and minima) as f16.
//   q8  [count][2] int8                             [count / 16] f16 scale
//   q4  [count] byte, low half the lower number     [count / 16][2] f16 scale, minimum
void quantize_q8(const std::uint32_t* words, std::size_t count, std::uint32_t* plane) {
  auto* values = reinterpret_cast<std::int8_t*>(plane);
  auto* scales = reinterpret_cast<std::uint16_t*>(values + 2 * count);
  for (std::size_t g = 0; g < count / kWords; ++g) {
    float numbers[2 * kWords];
    float top = 0;
    for (std::size_t i = 0; i < kWords; ++i) {
      numbers[2 * i] = low_of(words[g * kWords + i]);
      numbers[2 * i + 1] = high_of(words[g * kWords + i]);
      top = std::max({top, std::fabs(numbers[2 * i]), std::fabs(numbers[2 * i + 1])});
    }
    scales[g] = to_half(top / 127.0f);
    const float scale = from_half(scales[g]);
    const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
    for (std::size_t i = 0; i < 2 * kWords; ++i) {
      values[2 * g * kWords + i] = static_cast<std::int8_t>(std::clamp(std::nearbyintf(numbers[i] * inverse), -127.0f, 127.0f));
    }
  }
}

void quantize_q4(const std::uint32_t* words, std::size_t count, std::uint32_t* plane) {
  auto* values = reinterpret_cast<std::uint8_t*>(plane);
  auto* scales = reinterpret_cast<std::uint16_t*>(values + count);
  for (std::size_t g = 0; g < count / kWords; ++g) {
    float least = high_of(words[g * kWords]);
    float most = least;
    for (std::size_t i = 0; i < kWords; ++i) {
      const std::uint32_t word = words[g * kWords + i];
      least = std::min({least, low_of(word), high_of(word)});
      most = std::max({most, low_of(word), high_of(word)});
    }
    scales[2 * g] = to_half((most - least) / 15.0f);
    scales[2 * g + 1] = to_half(least);
    const float scale = from_half(scales[2 * g]);
    const float minimum = from_half(scales[2 * g + 1]);
    const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
    const auto level = [&](float x) { return static_cast<unsigned>(std::clamp(std::nearbyintf((x - minimum) * inverse), 0.0f, 15.0f)); };
    for (std::size_t i = 0; i < kWords; ++i) {
      const std::uint32_t word = words[g * kWords + i];
      values[g * kWords + i] = static_cast<std::uint8_t>(level(low_of(word)) | level(high_of(word)) << 4);
    }
  }
}

void unpack_q8(const std::uint32_t* plane, std::size_t count, std::uint32_t* words) {
  const auto* values = reinterpret_cast<const std::int8_t*>(plane);
  const auto* scales = reinterpret_cast<const std::uint16_t*>(values + 2 * count);
  for (std::size_t i = 0; i < count; i += kLanes) {
    const F32 scale = set1(from_half(scales[i / kWords]));
    const I32 pairs = pairs_to_words(values + 2 * i);
    store_pairs(words + i, mul(low_shorts(pairs), scale), mul(high_shorts(pairs), scale));
  }
}

void unpack_q4(const std::uint32_t* plane, std::size_t count, std::uint32_t* words) {
  const auto* values = reinterpret_cast<const std::uint8_t*>(plane);
  const auto* scales = reinterpret_cast<const std::uint16_t*>(values + count);
  for (std::size_t i = 0; i < count; i += kLanes) {
    const F32 scale = set1(from_half(scales[i / kWords * 2]));
    const F32 minimum = set1(from_half(scales[i / kWords * 2 + 1]));
    const I32 bytes = bytes_to_words(values + i);
    store_pairs(words + i, fma(low_nibbles(bytes), scale, minimum), fma(high_nibbles(bytes), scale, minimum));
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
