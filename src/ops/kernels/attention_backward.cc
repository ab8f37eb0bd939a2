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

// Scores are worked out in strips: few enough key rows that they stay in the first-level cache until the softmax,
// enough of them that the columns of queries, too, are read from there.
template <typename Unit>
constexpr int kStripRows = Unit::kTileRegisters ? Unit::kRows : 4 * kTileRows;
static_assert(kBackwardQueries % (2 * kTileColumns) == 0);  // and half of it, for wide heads
// Keys of a block. Tile registers are so fast that the sums of dq, which pass by once for each block, must be touched
// less often.
template <typename Unit>
constexpr int kKeys = Unit::kTileRegisters ? 192 : 96;
static_assert(kKeys<Bf16Unit> % kStripRows<Bf16Unit> == 0 && kStripRows<Bf16Unit> % 2 == 0);

// All of one key block: its keys and values as left operands, their gradients, and what one tile works on. Cp is the
// head width rounded up to 16, P the numbers in a word.
template <typename Unit>
struct Scratch {
  using A = typename Unit::A;
  static constexpr int kP = Unit::kPack;
  alignas(64) A keys[kKeys<Unit> * kMaxHeadWidth / kP];             // [keys][Cp / P]
  alignas(64) A values[kKeys<Unit> * kMaxHeadWidth / kP];           // [keys][Cp / P]
  alignas(64) A keys_transposed[kMaxHeadWidth * kKeys<Unit> / kP];  // [Cp][keys / P]
  alignas(64) float key_gradient[kKeys<Unit> * kMaxHeadWidth];      // [keys][Cp]
  alignas(64) float value_gradient[kKeys<Unit> * kMaxHeadWidth];    // [keys][Cp]
  // S^T and dP^T of one strip; in f32 units of all, [keys][queries], then P^T and dS^T.
  static constexpr int kScores = kP == 1 ? kKeys<Unit> * kBackwardQueries : kStripRows<Unit> * kTileColumns;
  alignas(64) float scores[kScores];
  alignas(64) float score_gradient[kScores];
  alignas(64) std::uint32_t narrow[kP == 1 ? 1 : kKeys<Unit> * kBackwardQueries / 2];           // P^T [keys][queries/2]
  alignas(64) std::uint32_t narrow_gradient[kP == 1 ? 1 : kKeys<Unit> * kBackwardQueries / 2];  // dS^T, the same
  alignas(64) std::uint32_t
      paired_gradient[kP == 1 ? 1 : kKeys<Unit> * kBackwardQueries / 2];  // dS^T [keys/2][queries], Panels
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

// A right operand [steps][columns] in panels of kTileColumns columns, one whole panel after another: a panel's words
// follow one another, so that it stays in the first-level cache while the rows of the left operand pass by.
struct Panels {
  const std::uint32_t* words;

  const std::uint32_t* columns_from(int c, int steps) const { return words + static_cast<std::ptrdiff_t>(c) * steps; }
  static std::ptrdiff_t stride(int columns) { return columns; }
};

// Where a word of such an operand stands.
inline std::ptrdiff_t panel_word(int step, int steps, int column, int columns) {
  const int first = column / kTileColumns * kTileColumns;
  const int width = std::min(kTileColumns, columns - first);
  return static_cast<std::ptrdiff_t>(first) * steps + step * width + column - first;
}

// The same in lines of all columns.
struct Lines {
  const std::uint32_t* words;
  std::ptrdiff_t line;

  const std::uint32_t* columns_from(int c, int) const { return words + c; }
  std::ptrdiff_t stride(int) const { return line; }
};

// out[M rows][columns] (+)= a[M][steps] b[steps][columns].
template <typename Unit, bool kAccumulate, typename Right>
inline void product(int rows, const typename Unit::A* a, std::ptrdiff_t lda, const Right& b, int steps, float* out,
                    std::ptrdiff_t ldc, int columns, Lookahead<Unit::kLookahead>& next) {
  for (int c = 0; c < columns; c += kTileColumns) {
    const int width = std::min(kTileColumns, columns - c);
    const std::uint32_t* words = b.columns_from(c, steps);
    const std::ptrdiff_t ldb = b.stride(width);
    if constexpr (Unit::kTileRegisters) {
      tile_registers_product<kAccumulate>(rows, a, lda, words, ldb, steps, out + c, ldc, width, next);
      continue;
    }
    int r = 0;
    for (; r + kTileRows <= rows; r += kTileRows) {
      row_product<Unit, kTileRows, kAccumulate>(a + r * lda, lda, words, ldb, steps, out + r * ldc + c, ldc, width,
                                                next);
    }
    if (r < rows) {
      rows_product<Unit, kAccumulate>(rows - r, a + r * lda, lda, words, ldb, steps, out + r * ldc + c, ldc, width,
                                      next);
    }
  }
}

// Which of the columns that begin at c see key `key` of the block.
inline F32 keep_visible(F32 x, F32 key, const BackwardTile& tile, int c) {
  x = keep_between(x, key, load(tile.begin + c), load(tile.end + c));
  return drop_between(x, key, load(tile.gap_begin + c), load(tile.gap_end + c));
}

// The key rows from `row` on and the columns from `c` on.
template <typename Unit>
struct Strip {
  int row, c;
  float* scores;    // S^T, [kStripRows<Unit>][stride]
  float* gradient;  // dP^T, the same
  std::ptrdiff_t stride;
};

// P^T and dS^T / scale of `kLanes` columns of a strip.
template <typename Unit>
inline void softmax_gradient(const BackwardTile& tile, int key, int c, const float* scores, const float* gradient,
                             F32* p, F32* ds) {
  F32 e = Unit::power(fms(load(scores), set1(tile.scale * 1.44269504f), load(tile.log_sum_exp2 + c)));
  if (tile.begin != nullptr) e = keep_visible(e, set1(static_cast<float>(key)), tile, c);
  *p = e;
  *ds = mul(e, sub(load(gradient), load(tile.delta + c)));
}

#if defined(__AVX512BF16__)
Strip<Bf16Dot> strip_at(Scratch<Bf16Dot>& s, const BackwardTile&, int row, int c) {
  return {row, c, s.scores, s.score_gradient, kTileColumns};
}
// Rows in pairs: dS^T is also needed with the numbers of two keys side by side.
void softmax_gradients(const BackwardTile& tile, const Strip<Bf16Dot>& strip, int columns, Scratch<Bf16Dot>& s) {
  const int words = tile.queries / 2;
  for (int i = 0; i < kStripRows<Bf16Dot>; i += 2) {
    for (int c = 0; c < columns; c += 2 * kLanes) {
      __m512i both[2];
      for (int r = 0; r < 2; ++r) {
        F32 p[2];
        F32 ds[2];
        for (int h = 0; h < 2; ++h) {
          const std::ptrdiff_t at = (i + r) * strip.stride + c + h * kLanes;
          softmax_gradient<Bf16Dot>(tile, strip.row + i + r, strip.c + c + h * kLanes, strip.scores + at,
                                    strip.gradient + at, &p[h], &ds[h]);
        }
        both[r] = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(ds[1], ds[0]));
        const std::ptrdiff_t to = (strip.row + i + r) * words + (strip.c + c) / 2;
        _mm512_storeu_si512(s.narrow + to, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(p[1], p[0])));
        _mm512_storeu_si512(s.narrow_gradient + to, both[r]);
      }
      std::uint32_t* paired =
          s.paired_gradient + panel_word((strip.row + i) / 2, kKeys<Bf16Dot> / 2, strip.c + c, tile.queries);
      _mm512_storeu_si512(paired, _mm512_unpacklo_epi16(both[0], both[1]));  // see backward_query_place
      _mm512_storeu_si512(paired + kLanes, _mm512_unpackhi_epi16(both[0], both[1]));
    }
  }
}
inline const std::uint32_t* weights(const Scratch<Bf16Dot>& s) { return s.narrow; }
inline const std::uint32_t* gradients(const Scratch<Bf16Dot>& s) { return s.narrow_gradient; }
inline Panels gradients_by_key(const Scratch<Bf16Dot>& s, int) { return {s.paired_gradient}; }
#endif

Strip<F32Plain> strip_at(Scratch<F32Plain>& s, const BackwardTile& tile, int row, int c) {
  const std::ptrdiff_t at = row * tile.queries + c;
  return {row, c, s.scores + at, s.score_gradient + at, tile.queries};
}
void softmax_gradients(const BackwardTile& tile, const Strip<F32Plain>& strip, int columns, Scratch<F32Plain>&) {
  for (int i = 0; i < kStripRows<F32Plain>; ++i) {
    for (int c = 0; c < columns; c += kLanes) {
      const std::ptrdiff_t at = i * strip.stride + c;
      F32 p;
      F32 ds;
      softmax_gradient<F32Plain>(tile, strip.row + i, strip.c + c, strip.scores + at, strip.gradient + at, &p, &ds);
      store(strip.scores + at, p);
      store(strip.gradient + at, ds);
    }
  }
}
inline const float* weights(const Scratch<F32Plain>& s) { return s.scores; }
inline const float* gradients(const Scratch<F32Plain>& s) { return s.score_gradient; }
inline Lines gradients_by_key(const Scratch<F32Plain>& s, int queries) {
  return {reinterpret_cast<const std::uint32_t*>(s.score_gradient), queries};
}

inline int padded_width(int width) { return (width + 15) / 16 * 16; }

}  // namespace

template <typename T>
int backward_pack() {
  return BackwardUnit<T>::type::kPack;
}

template <typename T>
int backward_keys() {
  return kKeys<typename BackwardUnit<T>::type>;
}

template <typename T>
int backward_query_place(int query) {
  if constexpr (BackwardUnit<T>::type::kPack == 1) return query;
  // Two unpack instructions pair dS: of 32 queries, the first four of every eight come first, then the others.
  return query / 32 * 32 + query % 8 / 4 * 16 + query % 32 / 8 * 4 + query % 4;
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
    N* column = by_column + panel_word(0, padded / kP, j, queries) * kP;
    for (int c = 0; c < width; ++c) {
      column[static_cast<std::ptrdiff_t>(c / kP) * kTileColumns * kP + c % kP] = as_number<Unit>(row[c]);
    }
    for (int first = 0; first < width; first += kTileColumns) {
      N* line = by_line + panel_word(j / kP, queries / kP, first, padded) * kP + j % kP;
      const int end = std::min(kTileColumns, width - first);
      for (int c = 0; c < end; ++c) line[c * kP] = as_number<Unit>(row[first + c]);
    }
  }
}

template <typename T>
void backward_load_keys(const T* k, const T* v, std::ptrdiff_t stride, int count, int width, void* memory) {
  using Unit = typename BackwardUnit<T>::type;
  using N = Number<Unit, T>;
  auto& s = *static_cast<Scratch<Unit>*>(memory);
  const int padded = padded_width(width);
  const auto bytes = sizeof(N) * static_cast<std::size_t>(kKeys<Unit> * padded);
  std::memset(s.keys, 0, bytes);
  std::memset(s.values, 0, bytes);
  std::memset(s.keys_transposed, 0, bytes);
  std::memset(s.key_gradient, 0, sizeof(float) * static_cast<std::size_t>(kKeys<Unit> * padded));
  std::memset(s.value_gradient, 0, sizeof(float) * static_cast<std::size_t>(kKeys<Unit> * padded));
  auto* keys = reinterpret_cast<N*>(s.keys);
  auto* values = reinterpret_cast<N*>(s.values);
  auto* transposed = reinterpret_cast<N*>(s.keys_transposed);
  for (int j = 0; j < count; ++j) {
    for (int c = 0; c < width; ++c) {
      const N x = as_number<Unit>(k[j * stride + c]);
      keys[j * padded + c] = x;
      transposed[c * kKeys<Unit> + j] = x;
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
  [[maybe_unused]] const typename Unit::Registers registers{};
  const auto packed_bytes = sizeof(std::uint32_t) * static_cast<std::size_t>(2 * steps * queries);
  using Next = Lookahead<Unit::kLookahead>;
  Next next = tile.next_q == nullptr ? Next() : Next(tile.next_q, tile.next_d, packed_bytes);
  for (int c = 0; c < queries; c += kTileColumns) {
    for (int row = 0; row < kKeys<Unit>; row += kStripRows<Unit>) {
      const Strip<Unit> strip = strip_at(s, tile, row, c);
      const auto scores = [&](const auto* rows, const std::uint32_t* columns, float* out) {
        product<Unit, false>(kStripRows<Unit>, rows + row * steps, steps,
                             Panels{Panels{columns}.columns_from(c, steps)}, steps, out, strip.stride, kTileColumns,
                             next);
      };
      scores(s.keys, tile.q_columns, strip.scores);
      scores(s.values, tile.d_columns, strip.gradient);
      softmax_gradients(tile, strip, kTileColumns, s);
    }
  }
  product<Unit, true>(kKeys<Unit>, weights(s), queries / kP, Panels{tile.d_lines}, queries / kP, s.value_gradient,
                      padded, padded, next);
  product<Unit, true>(kKeys<Unit>, gradients(s), queries / kP, Panels{tile.q_lines}, queries / kP, s.key_gradient,
                      padded, padded, next);
}

template <typename T>
void backward_add_queries(const BackwardTile& tile, void* memory) {
  using Unit = typename BackwardUnit<T>::type;
  auto& s = *static_cast<Scratch<Unit>*>(memory);
  constexpr int kSteps = kKeys<Unit> / Unit::kPack;
  const std::size_t half = sizeof(float) * static_cast<std::size_t>(tile.width * tile.queries) / 2;
  using Next = Lookahead<Unit::kLookahead>;
  Next next =
      tile.next_dq == nullptr ? Next() : Next(tile.next_dq, reinterpret_cast<const char*>(tile.next_dq) + half, half);
  [[maybe_unused]] const typename Unit::Registers registers{};
  product<Unit, true>(tile.width, s.keys_transposed, kSteps, gradients_by_key(s, tile.queries), kSteps, tile.dq,
                      tile.queries, tile.queries, next);
}

template <typename T>
void backward_store_keys(int count, int width, float scale, bool add, float* dk, float* dv, std::ptrdiff_t stride,
                         const void* memory) {
  const auto& s = *static_cast<const ScratchOf<T>*>(memory);
  const int padded = padded_width(width);
  const auto store_row = [&](const float* sums, float factor, float* to) {
    for (int c = 0; c < width; ++c) to[c] = (add ? to[c] : 0.0f) + factor * sums[c];
  };
  for (int j = 0; j < count; ++j) {
    store_row(s.key_gradient + j * padded, scale, dk + j * stride);
    store_row(s.value_gradient + j * padded, 1.0f, dv + j * stride);
  }
}

#define TOME_INSTANTIATE(T)                                                                                        \
  template int backward_pack<T>();                                                                                 \
  template int backward_keys<T>();                                                                                 \
  template int backward_query_place<T>(int);                                                                       \
  template std::size_t backward_scratch_bytes<T>();                                                                \
  template void backward_pack_queries<T>(const T*, std::ptrdiff_t, int, int, int, std::uint32_t*, std::uint32_t*); \
  template void backward_load_keys<T>(const T*, const T*, std::ptrdiff_t, int, int, void*);                        \
  template void backward_scores<T>(const BackwardTile&, void*);                                                    \
  template void backward_add_queries<T>(const BackwardTile&, void*);                                               \
  template void backward_store_keys<T>(int, int, float, bool, float*, float*, std::ptrdiff_t, const void*);
TOME_INSTANTIATE(tome::bf16)
TOME_INSTANTIATE(float)
#undef TOME_INSTANTIATE

}  // namespace tome::ops::TOME_LEVEL
