#include "ops/kernels/attention_backward.h"

#include <algorithm>
#include <cstring>

#include "ops/kernels/tile_product.h"

namespace tome::ops::TOME_LEVEL {
namespace {

// The unit that multiplies both operands in one type: without a bf16 dot product everything is widened when it is
// packed, not at every step.
template <typename T>
struct BackwardUnit {
  using type = F32Plain;
};
#if defined(__AVX512BF16__)
template <>
struct BackwardUnit<tome::bf16> {
  using type = Bf16Dot;
};
#endif

// All of one key block: its keys and values as left operands, their gradients, and what one tile works on. Cp is the
// head width rounded up to 16, P the numbers in a word.
template <typename Unit>
struct Scratch {
  using A = typename Unit::A;
  static constexpr int kP = Unit::kPack;
  alignas(64) A keys[kBackwardKeys * kMaxHeadWidth / kP];              // [keys][Cp / P]
  alignas(64) A values[kBackwardKeys * kMaxHeadWidth / kP];            // [keys][Cp / P]
  alignas(64) A keys_transposed[kMaxHeadWidth * kBackwardKeys / kP];   // [Cp][keys / P]
  alignas(64) float key_gradient[kBackwardKeys * kMaxHeadWidth];       // [keys][Cp]
  alignas(64) float value_gradient[kBackwardKeys * kMaxHeadWidth];     // [keys][Cp]
  alignas(64) float scores[kBackwardKeys * kBackwardQueries];          // S^T [keys][queries], then P^T in f32 units
  alignas(64) float score_gradient[kBackwardKeys * kBackwardQueries];  // dP^T, then dS^T in f32 units
  alignas(64) std::uint32_t narrow[kP == 1 ? 1 : kBackwardKeys * kBackwardQueries / 2];  // P^T [keys][queries/2]
  alignas(64) std::uint32_t narrow_gradient[kP == 1 ? 1 : kBackwardKeys * kBackwardQueries / 2];  // dS^T, the same
  alignas(64) std::uint32_t
      paired_gradient[kP == 1 ? 1 : kBackwardKeys * kBackwardQueries / 2];  // dS^T [keys/2][queries]
};

template <typename T>
using ScratchOf = Scratch<typename BackwardUnit<T>::type>;

// Numbers of type T as the words of a unit.
template <typename Unit, typename T>
inline auto as_number(T x) {
  if constexpr (Unit::kPack == 2) {
    return x;
  } else {
    return static_cast<float>(x);
  }
}
template <typename Unit, typename T>
using Number = decltype(as_number<Unit>(T{}));

// out[M rows][columns] (+)= a[M][steps] b[steps][columns].
template <typename Unit, bool kAccumulate>
inline void product(int rows, const typename Unit::A* a, std::ptrdiff_t lda, const std::uint32_t* b, std::ptrdiff_t ldb,
                    int steps, float* out, std::ptrdiff_t ldc, int columns) {
  NoPrefetch none;
  int r = 0;
  for (; r + kTileRows <= rows; r += kTileRows) {
    row_product<Unit, kTileRows, kAccumulate>(a + r * lda, lda, b, ldb, steps, out + r * ldc, ldc, columns, none);
  }
  if (r < rows) {
    rows_product<Unit, kAccumulate>(rows - r, a + r * lda, lda, b, ldb, steps, out + r * ldc, ldc, columns, none);
  }
}

// Which of the columns that begin at c see key `key` of the block.
inline F32 keep_visible(F32 x, F32 key, const BackwardTile& tile, int c) {
  x = keep_between(x, key, load(tile.begin + c), load(tile.end + c));
  return drop_between(x, key, load(tile.gap_begin + c), load(tile.gap_end + c));
}

// P^T and dS^T of key row `i`, columns c .. c + kLanes - 1.
template <typename Unit>
inline void softmax_gradient(const BackwardTile& tile, const Scratch<Unit>& scratch, int i, int c, F32* p, F32* ds) {
  const float* scores = scratch.scores + i * tile.queries + c;
  const float* gradient = scratch.score_gradient + i * tile.queries + c;
  F32 e = exp2(fms(load(scores), set1(tile.scale * 1.44269504f), load(tile.log_sum_exp2 + c)));
  if (tile.begin != nullptr) e = keep_visible(e, set1(static_cast<float>(i)), tile, c);
  *p = e;
  *ds = mul(mul(e, set1(tile.scale)), sub(load(gradient), load(tile.delta + c)));
}

#if defined(__AVX512BF16__)
// Rows in pairs: dS^T is also needed with the numbers of two keys side by side.
void softmax_gradients(const BackwardTile& tile, Scratch<Bf16Dot>& s) {
  const int words = tile.queries / 2;
  for (int i = 0; i < kBackwardKeys; i += 2) {
    for (int c = 0; c < tile.queries; c += 2 * kLanes) {
      F32 p[2][2];
      F32 ds[2][2];
      for (int r = 0; r < 2; ++r) {
        for (int h = 0; h < 2; ++h) softmax_gradient(tile, s, i + r, c + h * kLanes, &p[r][h], &ds[r][h]);
        const std::ptrdiff_t at = (i + r) * words + c / 2;
        _mm512_storeu_si512(s.narrow + at, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(p[r][1], p[r][0])));
        _mm512_storeu_si512(s.narrow_gradient + at, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(ds[r][1], ds[r][0])));
      }
      for (int h = 0; h < 2; ++h) {
        const __m512i low = _mm512_cvtepu16_epi32(narrow(ds[0][h]));
        const __m512i high = _mm512_slli_epi32(_mm512_cvtepu16_epi32(narrow(ds[1][h])), 16);
        _mm512_storeu_si512(s.paired_gradient + i / 2 * tile.queries + c + h * kLanes, _mm512_or_si512(low, high));
      }
    }
  }
}
inline const std::uint32_t* weights(const Scratch<Bf16Dot>& s) { return s.narrow; }
inline const std::uint32_t* gradients(const Scratch<Bf16Dot>& s) { return s.narrow_gradient; }
inline const std::uint32_t* gradients_by_key(const Scratch<Bf16Dot>& s) { return s.paired_gradient; }
#endif

void softmax_gradients(const BackwardTile& tile, Scratch<F32Plain>& s) {
  for (int i = 0; i < kBackwardKeys; ++i) {
    for (int c = 0; c < tile.queries; c += kLanes) {
      F32 p;
      F32 ds;
      softmax_gradient(tile, s, i, c, &p, &ds);
      store(s.scores + i * tile.queries + c, p);
      store(s.score_gradient + i * tile.queries + c, ds);
    }
  }
}
inline const float* weights(const Scratch<F32Plain>& s) { return s.scores; }
inline const float* gradients(const Scratch<F32Plain>& s) { return s.score_gradient; }
inline const std::uint32_t* gradients_by_key(const Scratch<F32Plain>& s) {
  return reinterpret_cast<const std::uint32_t*>(s.score_gradient);
}

inline int padded_width(int width) { return (width + 15) / 16 * 16; }

}  // namespace

template <typename T>
int backward_pack() {
  return BackwardUnit<T>::type::kPack;
}

template <typename T>
std::size_t backward_scratch_bytes() {
  return sizeof(ScratchOf<T>);
}

template <typename T>
void backward_pack_queries(const T* rows, std::ptrdiff_t stride, int count, int width, int queries,
                           std::uint32_t* columns, std::uint32_t* lines) {
  using Unit = typename BackwardUnit<T>::type;
  constexpr int kP = Unit::kPack;
  using N = Number<Unit, T>;
  const int padded = padded_width(width);
  std::memset(columns, 0, sizeof(std::uint32_t) * static_cast<std::size_t>(padded / kP * queries));
  std::memset(lines, 0, sizeof(std::uint32_t) * static_cast<std::size_t>(queries / kP * padded));
  auto* by_column = reinterpret_cast<N*>(columns);
  auto* by_line = reinterpret_cast<N*>(lines);
  for (int j = 0; j < count; ++j) {
    const T* row = rows + j * stride;
    N* line = by_line + static_cast<std::ptrdiff_t>(j / kP) * padded * kP + j % kP;
    for (int c = 0; c < width; ++c) {
      const N x = as_number<Unit>(row[c]);
      by_column[(static_cast<std::ptrdiff_t>(c / kP) * queries + j) * kP + c % kP] = x;
      line[c * kP] = x;
    }
  }
}

template <typename T>
void backward_load_keys(const T* k, const T* v, std::ptrdiff_t stride, int count, int width, void* memory) {
  using Unit = typename BackwardUnit<T>::type;
  using N = Number<Unit, T>;
  auto& s = *static_cast<Scratch<Unit>*>(memory);
  const int padded = padded_width(width);
  const auto bytes = sizeof(N) * static_cast<std::size_t>(kBackwardKeys * padded);
  std::memset(s.keys, 0, bytes);
  std::memset(s.values, 0, bytes);
  std::memset(s.keys_transposed, 0, bytes);
  std::memset(s.key_gradient, 0, sizeof(float) * static_cast<std::size_t>(kBackwardKeys * padded));
  std::memset(s.value_gradient, 0, sizeof(float) * static_cast<std::size_t>(kBackwardKeys * padded));
  auto* keys = reinterpret_cast<N*>(s.keys);
  auto* values = reinterpret_cast<N*>(s.values);
  auto* transposed = reinterpret_cast<N*>(s.keys_transposed);
  for (int j = 0; j < count; ++j) {
    for (int c = 0; c < width; ++c) {
      const N x = as_number<Unit>(k[j * stride + c]);
      keys[j * padded + c] = x;
      transposed[c * kBackwardKeys + j] = x;
      values[j * padded + c] = as_number<Unit>(v[j * stride + c]);
    }
  }
}

template <typename T>
void backward_scores(const BackwardTile& tile, void* memory) {
  using Unit = typename BackwardUnit<T>::type;
  auto& s = *static_cast<Scratch<Unit>*>(memory);
  constexpr int kP = Unit::kPack;
  const int padded = padded_width(tile.width);
  const int steps = padded / kP;
  const int queries = tile.queries;
  product<Unit, false>(kBackwardKeys, s.keys, steps, tile.q_columns, queries, steps, s.scores, queries, queries);
  product<Unit, false>(kBackwardKeys, s.values, steps, tile.d_columns, queries, steps, s.score_gradient, queries,
                       queries);
  softmax_gradients(tile, s);
  product<Unit, true>(kBackwardKeys, weights(s), queries / kP, tile.d_lines, padded, queries / kP, s.value_gradient,
                      padded, padded);
  product<Unit, true>(kBackwardKeys, gradients(s), queries / kP, tile.q_lines, padded, queries / kP, s.key_gradient,
                      padded, padded);
}

template <typename T>
void backward_add_queries(const BackwardTile& tile, void* memory) {
  using Unit = typename BackwardUnit<T>::type;
  auto& s = *static_cast<Scratch<Unit>*>(memory);
  constexpr int kSteps = kBackwardKeys / Unit::kPack;
  product<Unit, true>(tile.width, s.keys_transposed, kSteps, gradients_by_key(s), tile.queries, kSteps, tile.dq,
                      tile.queries, tile.queries);
}

template <typename T>
void backward_store_keys(int count, int width, bool add, float* dk, float* dv, std::ptrdiff_t stride,
                         const void* memory) {
  const auto& s = *static_cast<const ScratchOf<T>*>(memory);
  const int padded = padded_width(width);
  const auto store_row = [&](const float* sums, float* to) {
    for (int c = 0; c < width; ++c) to[c] = add ? to[c] + sums[c] : sums[c];
  };
  for (int j = 0; j < count; ++j) {
    store_row(s.key_gradient + j * padded, dk + j * stride);
    store_row(s.value_gradient + j * padded, dv + j * stride);
  }
}

#define TOME_INSTANTIATE(T)                                                                                        \
  template int backward_pack<T>();                                                                                 \
  template std::size_t backward_scratch_bytes<T>();                                                                \
  template void backward_pack_queries<T>(const T*, std::ptrdiff_t, int, int, int, std::uint32_t*, std::uint32_t*); \
  template void backward_load_keys<T>(const T*, const T*, std::ptrdiff_t, int, int, void*);                        \
  template void backward_scores<T>(const BackwardTile&, void*);                                                    \
  template void backward_add_queries<T>(const BackwardTile&, void*);                                               \
  template void backward_store_keys<T>(int, int, bool, float*, float*, std::ptrdiff_t, const void*);
TOME_INSTANTIATE(tome::bf16)
TOME_INSTANTIATE(float)
#undef TOME_INSTANTIATE

}  // namespace tome::ops::TOME_LEVEL
