#include "ops/kernels/int8_keys.h"

#if TOME_INT8_SCORES

namespace tome::ops::TOME_LEVEL {
namespace {

// The part of the width that is rotated together: the largest power of two that divides it.
inline int rotated_part(int width) { return width & -width; }

// A number of each of kLanes keys or queries in every vector: v[channel]. The sums are not divided by the root of their
// number: scales see to it.
void rotate(F32* v, int width) {
  for (int step = 1; step < rotated_part(width); step *= 2) {
    for (int first = 0; first < width; first += 2 * step) {
      for (int i = first; i < first + step; ++i) {
        const F32 a = v[i];
        const F32 b = v[i + step];
        v[i] = add(a, b);
        v[i + step] = sub(a, b);
      }
    }
  }
}

// Rounds to int8, v[channel] / scale; four channels follow one another in a word. Returns the scales, zero where all
// numbers are.
template <typename Put>
F32 round_to_int8(const F32* v, int width, const Put& put) {
  F32 top = zero();
  for (int c = 0; c < width; ++c) top = max(top, abs(v[c]));
  const __mmask16 some = _mm512_cmp_ps_mask(top, zero(), _CMP_GT_OQ);
  const F32 inverse = _mm512_maskz_div_ps(some, set1(127.0f), top);
  const auto byte = [&](int c) { return _mm512_cvtps_epi32(mul(v[c], inverse)); };
  const I32 low = _mm512_set1_epi32(0xff);
  for (int c = 0; c < width; c += 4) {
    I32 word = _mm512_slli_epi32(byte(c + 3), 24);
    word = _mm512_or_si512(word, _mm512_slli_epi32(_mm512_and_si512(byte(c + 2), low), 16));
    word = _mm512_or_si512(word, _mm512_slli_epi32(_mm512_and_si512(byte(c + 1), low), 8));
    put(c / 4, _mm512_or_si512(word, _mm512_and_si512(byte(c), low)));
  }
  return mul(top, set1(1.0f / 127.0f));
}

// The mean of each channel over a block's keys, as words of two bf16, zero in the words after the last.
void mean_of_keys(const std::uint32_t* k, int width, std::uint32_t* mean) {
  alignas(64) float means[kMaxHeadWidth] = {};
  for (int c = 0; c < width; c += 2, k += kKvBlock) {
    F32 first = zero();
    F32 second = zero();
    for (int j = 0; j < kKvBlock; j += kLanes) {
      first = add(first, low_bf16(load_words(k + j)));
      second = add(second, high_bf16(load_words(k + j)));
    }
    means[c] = sum(first) / kKvBlock;
    means[c + 1] = sum(second) / kKvBlock;
  }
  for (int c = 0; c < width; c += kLanes) store(reinterpret_cast<tome::bf16*>(mean) + c, load(means + c));
  for (int word = width / 2; word % kLanes != 0; ++word) mean[word] = 0;
}

}  // namespace

void quantize_keys(const std::uint32_t* k, int width, std::uint32_t* plane) {
  const Int8Keys keys(plane, width);
  auto* mean = const_cast<std::uint32_t*>(keys.mean);
  mean_of_keys(k, width, mean);
  const F32 unrotate = set1(1.0f / static_cast<float>(rotated_part(width)));
  const I32 ones = _mm512_set1_epi8(1);
  alignas(64) F32 v[kMaxHeadWidth];
  for (int j = 0; j < kKvBlock; j += kLanes) {
    for (int c = 0; c < width; c += 2) {
      const I32 words = load_words(k + c / 2 * kKvBlock + j);
      const I32 means = _mm512_set1_epi32(static_cast<int>(mean[c / 2]));
      v[c] = sub(low_bf16(words), low_bf16(means));
      v[c + 1] = sub(high_bf16(words), high_bf16(means));
    }
    rotate(v, width);
    I32 sums = _mm512_setzero_si512();
    const F32 scales = round_to_int8(v, width, [&](int word, I32 four) {
      _mm512_storeu_si512(plane + word * kKvBlock + j, four);
      sums = _mm512_dpbusd_epi32(sums, ones, four);
    });
    const F32 whole = mul(scales, unrotate);
    store(const_cast<float*>(keys.scales) + j, whole);
    store(const_cast<float*>(keys.shifts) + j, mul(mul(whole, set1(-128.0f)), _mm512_cvtepi32_ps(sums)));
  }
}

void quantize_queries(const std::uint32_t* queries, int rows, int width, std::uint32_t* values, float* scales) {
  const I32 row_numbers = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const I32 from = _mm512_mullo_epi32(row_numbers, _mm512_set1_epi32(width / 2));
  const I32 to = _mm512_mullo_epi32(row_numbers, _mm512_set1_epi32(width / 4));
  const I32 shift = _mm512_set1_epi32(static_cast<int>(0x80808080));  // plus 128 in each byte
  alignas(64) F32 v[kMaxHeadWidth];
  for (int row = 0; row < rows; row += kLanes) {
    const std::uint32_t* words = queries + row * width / 2;
    for (int c = 0; c < width; c += 2) {
      const I32 pair = _mm512_i32gather_epi32(from, words + c / 2, 4);
      v[c] = low_bf16(pair);
      v[c + 1] = high_bf16(pair);
    }
    rotate(v, width);
    const F32 top = round_to_int8(v, width, [&](int word, I32 four) {
      _mm512_i32scatter_epi32(values + row * width / 4 + word, to, _mm512_xor_si512(four, shift), 4);
    });
    store(scales + row, max(top, set1(1e-20f)));
  }
}

}  // namespace tome::ops::TOME_LEVEL

#endif
