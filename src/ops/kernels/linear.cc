#include "ops/kernels/linear.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

#include "ops/kernels/tile_product.h"
#include "ops/linear.h"

namespace tome::ops::TOME_LEVEL {
namespace {

inline void store_t(float* p, F32 x) { store(p, x); }
inline void store_t(tome::bf16* p, F32 x) { store(p, x); }

// One part of the reduction: `steps` rows of a panel and the left operand that goes with them.
template <typename Unit>
struct Part {
  const typename Unit::A* a;
  std::ptrdiff_t lda;
  int steps;
};

// One vector of sums to columns [first, first + kLanes) of a row that has `columns` of them.
template <typename Y>
inline void store_sums(F32 sums, std::size_t first, std::size_t columns, bool accumulate, Y* out) {
  if (first >= columns) return;
  const std::size_t count = std::min<std::size_t>(kLanes, columns - first);
  Y tail[kLanes] = {};
  Y* to = count == kLanes ? out + first : tail;
  if (accumulate && to == tail) std::memcpy(static_cast<void*>(tail), out + first, count * sizeof(Y));
  store_t(to, accumulate ? add(sums, load(to)) : sums);
  if (to == tail) std::memcpy(static_cast<void*>(out + first), tail, count * sizeof(Y));
}

// R rows times NC vectors of columns of a panel; the two parts follow one another in it.
template <typename Unit, int R, int NC, typename Y>
inline void tile(const Part<Unit> (&parts)[2], std::size_t row, const std::uint32_t* panel, std::size_t columns,
                 bool accumulate, Y* y, std::size_t stride) {
  F32 sums[R][NC];
  for (int r = 0; r < R; ++r) {
    for (int n = 0; n < NC; ++n) sums[r][n] = zero();
  }
  for (const Part<Unit>& part : parts) {
    const typename Unit::A* a = part.a + static_cast<std::ptrdiff_t>(row) * part.lda;
    for (int k = 0; k < part.steps; ++k, panel += kLinearPanel) {
      Unit::template step<R, NC>(sums, a + k * Unit::kAWords, part.lda, panel);
    }
  }
  for (int r = 0; r < R; ++r) {
    Y* out = y + static_cast<std::size_t>(r) * stride;
    for (int n = 0; n < NC; ++n) store_sums(sums[r][n], static_cast<std::size_t>(n * kLanes), columns, accumulate, out);
  }
}

template <typename Unit, int R, typename Y>
inline void panel_rows(const Part<Unit> (&parts)[2], std::size_t row, const std::uint32_t* panel, std::size_t columns,
                       bool accumulate, Y* y, std::size_t stride) {
  std::size_t first = 0;
  for (; first + kLanes < columns; first += kTileColumns) {
    tile<Unit, R, kTileVectors>(parts, row, panel + first, columns - first, accumulate, y + first, stride);
  }
  if (first < columns) tile<Unit, R, 1>(parts, row, panel + first, columns - first, accumulate, y + first, stride);
}

#if defined(__AMX_BF16__)
// A run of whole tiles of the reduction.
struct TileRun {
  const std::uint32_t* a;
  std::ptrdiff_t lda;
  const std::uint32_t* b;  // lines of kLinearPanel words
  int tiles;
};

// The reduction as runs of tiles. What does not fill a tile is copied and filled up with zeros, and so are the last rows
// when they are fewer than a tile's.
class TileRuns {
 public:
  TileRuns(const Part<Bf16Dot> (&parts)[2], std::size_t rows, const std::uint32_t* panel) {
    copied_.clear();
    copied_.reserve(copied_words(parts, rows));  // pointers into it must last
    for (int i = 0; i < 2; ++i) {
      const Part<Bf16Dot>& part = parts[i];
      const int whole = part.steps / kTileSide;
      const int rest = part.steps % kTileSide;
      if (whole > 0) add_run({part.a, part.lda, panel, whole}, rows);
      if (rest > 0) {
        std::memset(rest_[i], 0, sizeof(rest_[i]));
        std::memcpy(rest_[i], panel + static_cast<std::size_t>(whole * kTileSide) * kLinearPanel,
                    sizeof(std::uint32_t) * static_cast<std::size_t>(rest) * kLinearPanel);
        add_run({copy(part.a + whole * kTileSide, part.lda, rows, rest, kTileSide), kTileSide, rest_[i], 1}, rows);
      }
      panel += static_cast<std::size_t>(part.steps) * kLinearPanel;
    }
  }

  int count() const { return count_; }
  /// For row tiles from `row` on; `last`: of the rows that do not fill a tile.
  TileRun at(int i, std::size_t row, bool last) const {
    TileRun run = last ? last_rows_[i] : runs_[i];
    if (!last) run.a += static_cast<std::ptrdiff_t>(row) * run.lda;
    return run;
  }

 private:
  static std::size_t copied_words(const Part<Bf16Dot> (&parts)[2], std::size_t rows) {
    std::size_t words = 0;
    for (const Part<Bf16Dot>& part : parts) {
      words += (rows + kTileSide) * kTileSide + static_cast<std::size_t>(part.steps + kTileSide) * kTileSide;
    }
    return words;
  }
  static const std::uint32_t* copy(const std::uint32_t* a, std::ptrdiff_t lda, std::size_t rows, int words, int width) {
    const std::size_t at = copied_.size();
    copied_.resize(at + (rows + kTileSide - 1) / kTileSide * kTileSide * static_cast<std::size_t>(width));
    for (std::size_t r = 0; r < rows; ++r) {
      std::memcpy(copied_.data() + at + r * static_cast<std::size_t>(width), a + static_cast<std::ptrdiff_t>(r) * lda,
                  sizeof(std::uint32_t) * static_cast<std::size_t>(words));
    }
    return copied_.data() + at;
  }
  void add_run(const TileRun& run, std::size_t rows) {
    runs_[count_] = last_rows_[count_] = run;
    if (rows % kTileSide != 0) {
      const std::size_t first = rows / kTileSide * kTileSide;
      const int words = run.tiles * kTileSide;
      last_rows_[count_].a =
          copy(run.a + static_cast<std::ptrdiff_t>(first) * run.lda, run.lda, rows - first, words, words);
      last_rows_[count_].lda = words;
    }
    ++count_;
  }

  static thread_local std::vector<std::uint32_t> copied_;
  alignas(64) std::uint32_t rest_[2][kTileSide * kLinearPanel];
  TileRun runs_[4], last_rows_[4];
  int count_ = 0;
};
thread_local std::vector<std::uint32_t> TileRuns::copied_;

// 16 or 32 rows of tiles, of which `rows` are real.
template <bool kTwoRows, typename Y>
void tile_rows(const TileRuns& runs, std::size_t row, std::size_t rows, bool last, std::size_t columns, bool accumulate,
               Y* y, std::size_t stride) {
  constexpr int kColumns = static_cast<int>(kLinearPanel);
  alignas(64) float sums[2 * kTileSide * kColumns];
  NoPrefetch none;
  for (int c = 0; c < kColumns; c += 2 * kTileSide) {
    using Sums = TileSums<kTwoRows, true>;
    Sums::zero();
    for (int i = 0; i < runs.count(); ++i) {
      const TileRun run = runs.at(i, row, last);
      Sums::add(run.a, run.lda, run.b + c, kColumns, run.tiles, kTileSide, none);
    }
    Sums::store(sums + c, kColumns);
  }
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t n = 0; n < kLinearPanel; n += kLanes) {
      store_sums(load(sums + r * kLinearPanel + n), n, columns, accumulate, y + r * stride);
    }
  }
}

template <typename Y>
void tile_registers_linear(const Part<Bf16Dot> (&parts)[2], std::size_t rows, const std::uint32_t* panel,
                           std::size_t columns, bool accumulate, Y* y, std::size_t stride) {
  const TileRuns runs(parts, rows, panel);
  const TileRegisters registers;
  asm volatile("" : : : "memory");  // tile loads are not seen as reads
  std::size_t r = 0;
  for (; r + 2 * kTileSide <= rows; r += 2 * kTileSide) {
    tile_rows<true>(runs, r, 2 * kTileSide, false, columns, accumulate, y + r * stride, stride);
  }
  if (r + kTileSide <= rows) {
    tile_rows<false>(runs, r, kTileSide, false, columns, accumulate, y + r * stride, stride);
    r += kTileSide;
  }
  if (r < rows) tile_rows<false>(runs, r, rows - r, true, columns, accumulate, y + r * stride, stride);
}
#endif

// x as the unit's left operand: itself where the types agree and rows are whole words, else a widened or padded copy.
template <typename Unit, typename T>
const typename Unit::A* left_operand(const T* x, std::size_t rows, std::size_t width,
                                     std::vector<typename Unit::A>& copy, std::ptrdiff_t* lda) {
  constexpr std::size_t kP = Unit::kPack;
  const std::size_t steps = (width + kP - 1) / kP;
  *lda = static_cast<std::ptrdiff_t>(steps) * Unit::kAWords;
  constexpr bool kSameBits = sizeof(typename Unit::A) * static_cast<std::size_t>(Unit::kAWords) == sizeof(T) * kP;
  if (kSameBits && width % kP == 0) return reinterpret_cast<const typename Unit::A*>(x);
  copy.resize(rows * static_cast<std::size_t>(*lda));
  for (std::size_t r = 0; r < rows; ++r) {
    typename Unit::A* row = copy.data() + r * static_cast<std::size_t>(*lda);
    if constexpr (kSameBits) {
      row[steps - 1] = 0;
      std::memcpy(row, x + r * width, width * sizeof(T));
    } else {
      const T* from = x + r * width;
      std::size_t i = 0;
      for (; i + kLanes <= width; i += kLanes) store(row + i, load(from + i));  // again for every panel: not one by one
      for (; i < steps * kP; ++i) row[i] = i < width ? static_cast<float>(from[i]) : 0.0f;
    }
  }
  return copy.data();
}

}  // namespace

template <typename T>
void linear_pack(const float* weights, std::size_t columns, std::size_t width, std::uint32_t* panel) {
  constexpr std::size_t kP = UnitOf<T>::type::kPack;
  const std::size_t steps = (width + kP - 1) / kP;
  std::memset(panel, 0, steps * kLinearPanel * 4);
  T* out = reinterpret_cast<T*>(panel);
  std::vector<T> row(steps * kP);
  for (std::size_t n = 0; n < columns; ++n) {
    const float* w = weights + n * width;
    std::size_t i = 0;
    for (; i + kLanes <= width; i += kLanes) store_t(row.data() + i, load(w + i));
    for (; i < width; ++i) row[i] = T(w[i]);
    for (std::size_t k = 0; k < steps; ++k) {
      std::memcpy(static_cast<void*>(out + (k * kLinearPanel + n) * kP), row.data() + k * kP, sizeof(T) * kP);
    }
  }
}

// Rows [0, count) of W^T's reduction, for one panel of columns: word (k, n) holds rows k * P .. k * P + P - 1.
template <typename T>
void linear_pack_transposed(const float* rows, std::size_t count, std::size_t stride, std::size_t columns,
                            std::uint32_t* panel) {
  constexpr std::size_t kP = UnitOf<T>::type::kPack;
  T* out = reinterpret_cast<T*>(panel);
  alignas(64) T line[kLinearPanel];
  for (std::size_t i = 0; i < (count + kP - 1) / kP * kP; ++i) {
    const float* row = rows + i * stride;
    std::size_t n = 0;
    for (; i < count && n + kLanes <= columns; n += kLanes) store_t(line + n, load(row + n));
    for (; n < kLinearPanel; ++n) line[n] = i < count && n < columns ? T(row[n]) : T(0.0f);
    T* to = out + i / kP * kLinearPanel * kP + i % kP;
    for (n = 0; n < kLinearPanel; ++n) to[n * kP] = line[n];
  }
}

template <typename T, typename Y>
void linear_product(const LinearInput<T>& x, const std::uint32_t* panel, std::size_t columns, bool accumulate, Y* y,
                    std::size_t stride) {
  using Unit = typename UnitOf<T>::type;
  thread_local std::vector<typename Unit::A> copies[2];
  const auto part = [&](const T* from, std::size_t width, std::vector<typename Unit::A>& copy) {
    Part<Unit> out{nullptr, 0, static_cast<int>((width + Unit::kPack - 1) / Unit::kPack)};
    out.a = left_operand<Unit>(from, x.rows, width, copy, &out.lda);
    return out;
  };
  const Part<Unit> parts[2] = {part(x.x, x.width, copies[0]), part(x.low, x.rank, copies[1])};
#if defined(__AMX_BF16__)
  if constexpr (Unit::kTileRegisters) return tile_registers_linear(parts, x.rows, panel, columns, accumulate, y, stride);
#endif
  std::size_t r = 0;
  const auto take = [&](auto count) {
    panel_rows<Unit, decltype(count)::value>(parts, r, panel, columns, accumulate, y + r * stride, stride);
    r += static_cast<std::size_t>(decltype(count)::value);
  };
  while (r + kTileRows <= x.rows) take(std::integral_constant<int, kTileRows>{});
  switch (x.rows - r) {
    case 1:
      return take(std::integral_constant<int, 1>{});
    case 2:
      return take(std::integral_constant<int, 2>{});
    case 3:
      return take(std::integral_constant<int, 3>{});
    case 4:
      return take(std::integral_constant<int, 4>{});
    case 5:
      return take(std::integral_constant<int, 5>{});
    default:
      return;
  }
}

namespace {

// R rows of the sums, NC vectors of columns.
template <int R, int NC, typename T>
inline void outer_tile(const T* x, std::size_t stride, const float* low, std::size_t rank, std::size_t rows,
                       std::size_t width, float* sums) {
  F32 c[R][NC];
  for (int r = 0; r < R; ++r) {
    for (int n = 0; n < NC; ++n) c[r][n] = load(sums + static_cast<std::size_t>(r) * width + n * kLanes);
  }
  for (std::size_t t = 0; t < rows; ++t, x += stride, low += rank) {
    F32 b[NC];
    for (int n = 0; n < NC; ++n) b[n] = load(x + n * kLanes);
    for (int r = 0; r < R; ++r) {
      for (int n = 0; n < NC; ++n) c[r][n] = fma(set1(low[r]), b[n], c[r][n]);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int n = 0; n < NC; ++n) store(sums + static_cast<std::size_t>(r) * width + n * kLanes, c[r][n]);
  }
}

}  // namespace

// sums [rank][width] += low^T x
template <typename T>
void outer_product(const T* x, std::size_t stride, const float* low, std::size_t rank, std::size_t rows,
                   std::size_t width, float* sums) {
  constexpr int kRows = kLanes == 16 ? 8 : 4;
  constexpr std::size_t kColumns = 2 * kLanes;
  const auto take = [&](auto count, std::size_t k) {
    constexpr int kR = decltype(count)::value;
    float* to = sums + k * width;
    std::size_t n = 0;
    for (; n + kColumns <= width; n += kColumns) outer_tile<kR, 2>(x + n, stride, low + k, rank, rows, width, to + n);
    for (; n + kLanes <= width; n += kLanes) outer_tile<kR, 1>(x + n, stride, low + k, rank, rows, width, to + n);
    for (std::size_t r = 0; r < kR; ++r) {
      for (std::size_t i = n; i < width; ++i) {
        float sum = to[r * width + i];
        for (std::size_t t = 0; t < rows; ++t) sum += low[t * rank + k + r] * static_cast<float>(x[t * stride + i]);
        to[r * width + i] = sum;
      }
    }
  };
  std::size_t k = 0;
  for (; k + kRows <= rank; k += kRows) take(std::integral_constant<int, kRows>{}, k);
  for (; k < rank; ++k) take(std::integral_constant<int, 1>{}, k);
}

template void linear_pack<tome::bf16>(const float*, std::size_t, std::size_t, std::uint32_t*);
template void linear_pack<float>(const float*, std::size_t, std::size_t, std::uint32_t*);
template void linear_pack_transposed<tome::bf16>(const float*, std::size_t, std::size_t, std::size_t, std::uint32_t*);
template void linear_pack_transposed<float>(const float*, std::size_t, std::size_t, std::size_t, std::uint32_t*);
template void outer_product<tome::bf16>(const tome::bf16*, std::size_t, const float*, std::size_t, std::size_t,
                                        std::size_t, float*);
template void outer_product<float>(const float*, std::size_t, const float*, std::size_t, std::size_t, std::size_t,
                                   float*);
#define TOME_INSTANTIATE(T, Y) \
  template void linear_product<T, Y>(const LinearInput<T>&, const std::uint32_t*, std::size_t, bool, Y*, std::size_t);
TOME_INSTANTIATE(tome::bf16, tome::bf16)
TOME_INSTANTIATE(tome::bf16, float)
TOME_INSTANTIATE(float, float)
#undef TOME_INSTANTIATE

}  // namespace tome::ops::TOME_LEVEL
