#include "ops/kernels/linear.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "base/aligned.h"
#include "ops/kernels/linear_parts.h"
#include "ops/kernels/row_tiles.h"
#include "ops/kernels/simd.h"
#include "ops/kernels/tile_product.h"
#include "ops/kernels/tile_registers_linear.h"
#include "ops/linear.h"

namespace tome::ops::TOME_LEVEL {
namespace {

// R rows times NC vectors of columns of a panel whose lines are kLine words; the two parts follow one another in it.
template <typename Unit, int R, int NC, std::size_t kLine = kLinearPanel, typename Y>
inline void tile(const Part<Unit> (&parts)[2], std::size_t row, const std::uint32_t* panel, std::size_t columns,
                 bool accumulate, Y* y, std::size_t stride) {
  F32 sums[R][NC];
  for (int r = 0; r < R; ++r) {
    for (int n = 0; n < NC; ++n) sums[r][n] = zero();
  }
  for (const Part<Unit>& part : parts) {
    const typename Unit::A* a = part.a + static_cast<std::ptrdiff_t>(row) * part.lda;
    for (int k = 0; k < part.steps; ++k, panel += kLine) {
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

// Of sixteen registers widening at each step would take too many: there columns are widened once for all rows.
template <typename Unit>
inline constexpr bool kWidensFirst = kLanes == 8 && Unit::kPack == 2 && std::is_same_v<typename Unit::A, float>;

template <typename Unit, typename Y>
void widened_panel(const Part<Unit> (&parts)[2], std::size_t rows, const std::uint32_t* panel, std::size_t columns,
                   bool accumulate, Y* y, std::size_t stride) {
  const Part<F32Plain> wide_parts[2] = {{parts[0].a, parts[0].lda, 2 * parts[0].steps},
                                        {parts[1].a, parts[1].lda, 2 * parts[1].steps}};
  const auto steps = static_cast<std::size_t>(parts[0].steps + parts[1].steps);
  thread_local AlignedBuffer<float> wide;  // [2 steps][kTileColumns]
  wide.reserve(2 * steps * kTileColumns);
  for (std::size_t first = 0; first < columns; first += kTileColumns) {
    float* to = wide.data();
    for (std::size_t k = 0; k < steps; ++k, to += 2 * kTileColumns) {
      for (int n = 0; n < kTileColumns; n += kLanes) {
        const I32 words = load_words(panel + k * kLinearPanel + first + static_cast<std::size_t>(n));
        store(to + n, low_bf16(words));
        store(to + kTileColumns + n, high_bf16(words));
      }
    }
    const auto* lines = reinterpret_cast<const std::uint32_t*>(wide.data());
    for_row_tiles<kTileRows>(rows, [&](auto count, std::size_t row) {
      tile<F32Plain, decltype(count)::value, kTileVectors, kTileColumns>(wide_parts, row, lines, columns - first,
                                                                         accumulate, y + row * stride + first, stride);
    });
  }
}

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
      for (; i + kLanes <= width; i += kLanes) store(row + i, load(w + i));
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
    for (; i < count && n + kLanes <= columns; n += kLanes) store(line + n, load(row + n));
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
    if constexpr (kWidensFirst<Unit>)
      return widened_panel(parts, x.rows, panel, columns, accumulate, y + first, stride);
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
