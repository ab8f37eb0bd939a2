#include "ops/kernels/linear.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <span>
#include <type_traits>
#include <vector>

#include "ops/kernels/row_tiles.h"
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

// Calls take(panel, first column, columns) for each panel.
template <typename Take>
inline void for_each_panel(const LinearPanels& panels, const Take& take) {
  const std::uint32_t* panel = panels.words;
  for (std::size_t first = 0; first < panels.columns; first += kLinearPanel, panel += panels.panel_words) {
    take(panel, first, std::min(kLinearPanel, panels.columns - first));
  }
}

#if defined(__AMX_BF16__)
// A run of whole tiles of the reduction, which begins at word `line` of each column.
struct TileRun {
  const std::uint32_t* a;
  const std::uint32_t* last_rows;  // of the rows that do not fill a tile: filled up with zeros, `tiles` tiles wide
  std::ptrdiff_t lda;
  int line, tiles;
  int words;  // of the last tile that count
};

// The left side as runs of tiles. What does not fill a tile is copied and filled up with zeros.
class TileRuns {
 public:
  TileRuns(const Part<Bf16Dot> (&parts)[2], std::size_t rows) {
    int line = 0;
    for (const Part<Bf16Dot>& part : parts) {
      const int whole = part.steps / kTileSide * kTileSide;
      if (whole > 0) add_run({part.a, nullptr, part.lda, line, whole / kTileSide, kTileSide}, rows);
      if (const int rest = part.steps - whole; rest > 0) {
        const std::uint32_t* a = copy(part.a + whole, part.lda, rows, rest, kTileSide);
        add_run({a, nullptr, kTileSide, line + whole, 1, rest}, rows);
      }
      line += part.steps;
    }
  }

  std::span<const TileRun> runs() const { return {runs_, static_cast<std::size_t>(count_)}; }

 private:
  const std::uint32_t* copy(const std::uint32_t* a, std::ptrdiff_t lda, std::size_t rows, int words, int width) {
    const std::size_t filled = (rows + kTileSide - 1) / kTileSide * kTileSide;
    auto& to = copied_.emplace_back(filled * static_cast<std::size_t>(width));
    for (std::size_t r = 0; r < rows; ++r) {
      std::memcpy(to.data() + r * static_cast<std::size_t>(width), a + static_cast<std::ptrdiff_t>(r) * lda,
                  sizeof(std::uint32_t) * static_cast<std::size_t>(words));
    }
    return to.data();
  }
  void add_run(TileRun run, std::size_t rows) {
    const std::size_t whole = rows / kTileSide * kTileSide;
    const int words = run.tiles * kTileSide;
    if (whole < rows)
      run.last_rows = copy(run.a + static_cast<std::ptrdiff_t>(whole) * run.lda, run.lda, rows - whole, words, words);
    runs_[count_++] = run;
  }

  std::vector<std::vector<std::uint32_t>> copied_;
  TileRun runs_[4];
  int count_ = 0;
};

// 16 or 32 rows, of which `rows` are real, from `row` on; b: where each run's lines of the panel are.
template <bool kTwoRows, typename Y>
void tile_rows(const TileRuns& left, const std::uint32_t* const (&b)[4], std::size_t row, std::size_t rows,
               std::size_t columns, bool accumulate, Y* y, std::size_t stride, Lookahead<Bf16Dot::kLookahead>& next) {
  constexpr int kColumns = static_cast<int>(kLinearPanel);
  alignas(64) float sums[2 * kTileSide * kColumns];
  const auto take = [&](auto tiles, int c) {
    using Sums = decltype(tiles);
    Sums::zero();
    for (std::size_t i = 0; i < left.runs().size(); ++i) {
      const TileRun& run = left.runs()[i];
      if (rows >= kTileSide) {
        Sums::add(run.a + static_cast<std::ptrdiff_t>(row) * run.lda, run.lda, b[i] + c, kColumns, run.tiles, kTileSide,
                  next);
      } else {
        Sums::add(run.last_rows, run.tiles * kTileSide, b[i] + c, kColumns, run.tiles, kTileSide, next);
      }
    }
    Sums::store(sums + c, kColumns);
  };
  for (int c = 0; c < static_cast<int>(columns); c += 2 * kTileSide) {
    if (static_cast<int>(columns) - c > kTileSide) {
      take(TileSums<kTwoRows, true>{}, c);
    } else {
      take(TileSums<kTwoRows, false>{}, c);
    }
  }
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t n = 0; n < columns; n += kLanes) {
      store_sums(load(sums + r * kLinearPanel + n), n, columns, accumulate, y + (row + r) * stride);
    }
  }
}

template <typename Y>
void tile_registers_linear(const Part<Bf16Dot> (&parts)[2], std::size_t rows, const LinearPanels& panels,
                           bool accumulate, Y* y, std::size_t stride) {
  const TileRuns left(parts, rows);
  alignas(64) std::uint32_t rest[4][kTileSide * kLinearPanel];
  const TileRegisters registers;
  for_each_panel(panels, [&](const std::uint32_t* panel, std::size_t first, std::size_t columns) {
    const std::uint32_t* b[4] = {};
    for (std::size_t i = 0; i < left.runs().size(); ++i) {
      const TileRun& run = left.runs()[i];
      b[i] = panel + static_cast<std::size_t>(run.line) * kLinearPanel;
      if (run.words == kTileSide) continue;
      const std::size_t words = static_cast<std::size_t>(run.words) * kLinearPanel;
      std::copy_n(b[i], words, rest[i]);
      std::fill(rest[i] + words, std::end(rest[i]), 0u);
      b[i] = rest[i];
    }
    using Next = Lookahead<Bf16Dot::kLookahead>;
    const std::size_t half = static_cast<std::size_t>(parts[0].steps + parts[1].steps) * kLinearPanel / 2;
    const std::uint32_t* following = panel + panels.panel_words;
    Next next = first + columns == panels.columns ? Next() : Next(following, following + half, 4 * half);
    asm volatile("" : : : "memory");  // tile loads are not seen as reads
    std::size_t r = 0;
    for (; r + 2 * kTileSide <= rows; r += 2 * kTileSide) {
      tile_rows<true>(left, b, r, 2 * kTileSide, columns, accumulate, y + first, stride, next);
    }
    for (; r < rows; r += kTileSide) {
      tile_rows<false>(left, b, r, std::min<std::size_t>(kTileSide, rows - r), columns, accumulate, y + first, stride,
                       next);
    }
  });
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
      for (; i + kLanes <= width; i += kLanes) store(row + i, load(from + i));
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
  constexpr std::size_t kSide = kTransposeSide;
  thread_local std::vector<std::uint32_t> words;  // of kSide columns, [kSide][steps]
  words.assign(kSide * steps, 0);
  for (std::size_t first = 0; first < kLinearPanel; first += kSide) {
    for (std::size_t n = 0; n < kSide; ++n) {
      T* row = reinterpret_cast<T*>(words.data() + n * steps);
      if (first + n >= columns) {
        std::fill_n(words.data() + n * steps, steps, 0u);
        continue;
      }
      const float* w = weights + (first + n) * width;
      std::size_t i = 0;
      for (; i + kLanes <= width; i += kLanes) store_t(row + i, load(w + i));
      for (; i < width; ++i) {
        const T last(w[i]);
        std::memcpy(static_cast<void*>(row + i), &last, sizeof(last));  // they are read as words
      }
    }
    std::size_t k = 0;
    for (; k + kSide <= steps; k += kSide) {
      transpose_words(words.data() + k, steps, panel + k * kLinearPanel + first, kLinearPanel);
    }
    for (; k < steps; ++k) {
      for (std::size_t n = 0; n < kSide; ++n) panel[k * kLinearPanel + first + n] = words[n * steps + k];
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
void linear_product(const LinearInput<T>& x, const LinearPanels& panels, bool accumulate, Y* y, std::size_t stride) {
  using Unit = typename UnitOf<T>::type;
  thread_local std::vector<typename Unit::A> copies[2];
  const auto part = [&](const T* from, std::size_t width, std::vector<typename Unit::A>& copy) {
    Part<Unit> out{nullptr, 0, static_cast<int>((width + Unit::kPack - 1) / Unit::kPack)};
    out.a = left_operand<Unit>(from, x.rows, width, copy, &out.lda);
    return out;
  };
  const Part<Unit> parts[2] = {part(x.x, x.width, copies[0]), part(x.low, x.rank, copies[1])};
#if defined(__AMX_BF16__)
  if constexpr (Unit::kTileRegisters) return tile_registers_linear(parts, x.rows, panels, accumulate, y, stride);
#endif
  for_each_panel(panels, [&](const std::uint32_t* panel, std::size_t first, std::size_t columns) {
    for_row_tiles<kTileRows>(x.rows, [&](auto count, std::size_t row) {
      panel_rows<Unit, decltype(count)::value>(parts, row, panel, columns, accumulate, y + row * stride + first,
                                               stride);
    });
  });
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
  template void linear_product<T, Y>(const LinearInput<T>&, const LinearPanels&, bool, Y*, std::size_t);
TOME_INSTANTIATE(tome::bf16, tome::bf16)
TOME_INSTANTIATE(tome::bf16, float)
TOME_INSTANTIATE(float, float)
#undef TOME_INSTANTIATE

}  // namespace tome::ops::TOME_LEVEL
