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

// R rows times NC vectors of columns of a panel.
template <typename Unit, int R, int NC, typename Y>
inline void tile(const typename Unit::A* a, std::ptrdiff_t lda, const std::uint32_t* panel, int steps,
                 std::size_t columns, Y* y, std::size_t stride) {
  F32 sums[R][NC];
  for (int r = 0; r < R; ++r) {
    for (int n = 0; n < NC; ++n) sums[r][n] = zero();
  }
  for (int k = 0; k < steps; ++k) {
    Unit::template step<R, NC>(sums, a + k * Unit::kAWords, lda, panel + k * static_cast<std::ptrdiff_t>(kLinearPanel));
  }
  for (int r = 0; r < R; ++r) {
    Y* row = y + static_cast<std::size_t>(r) * stride;
    for (int n = 0; n < NC; ++n) {
      const auto first = static_cast<std::size_t>(n * kLanes);
      if (first + kLanes <= columns) {
        store_t(row + first, sums[r][n]);
      } else if (first < columns) {
        Y tail[kLanes];
        store_t(tail, sums[r][n]);
        std::memcpy(static_cast<void*>(row + first), tail, (columns - first) * sizeof(Y));
      }
    }
  }
}

template <typename Unit, int R, typename Y>
inline void panel_rows(const typename Unit::A* a, std::ptrdiff_t lda, const std::uint32_t* panel, int steps,
                       std::size_t columns, Y* y, std::size_t stride) {
  for (std::size_t first = 0; first < columns; first += kTileColumns) {
    tile<Unit, R, kTileVectors>(a, lda, panel + first, steps, columns - first, y + first, stride);
  }
}

// x as the unit's left operand: itself where the types agree and rows are whole words, else a widened or padded copy.
template <typename Unit, typename T>
const typename Unit::A* left_operand(const T* x, std::size_t rows, std::size_t width, std::ptrdiff_t* lda) {
  constexpr std::size_t kP = Unit::kPack;
  const std::size_t steps = (width + kP - 1) / kP;
  *lda = static_cast<std::ptrdiff_t>(steps) * Unit::kAWords;
  constexpr bool kSameBits = sizeof(typename Unit::A) * static_cast<std::size_t>(Unit::kAWords) == sizeof(T) * kP;
  if (kSameBits && width % kP == 0) return reinterpret_cast<const typename Unit::A*>(x);
  thread_local std::vector<typename Unit::A> copy;
  copy.resize(rows * static_cast<std::size_t>(*lda));
  for (std::size_t r = 0; r < rows; ++r) {
    typename Unit::A* row = copy.data() + r * static_cast<std::size_t>(*lda);
    if constexpr (kSameBits) {
      row[steps - 1] = 0;
      std::memcpy(row, x + r * width, width * sizeof(T));
    } else {
      for (std::size_t i = 0; i < steps * kP; ++i) {
        row[i] = i < width ? static_cast<typename Unit::A>(static_cast<float>(x[r * width + i])) : typename Unit::A{};
      }
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

template <typename T, typename Y>
void linear_product(const T* x, std::size_t rows, std::size_t width, const std::uint32_t* panel, std::size_t columns,
                    Y* y, std::size_t stride) {
  using Unit = typename UnitOf<T>::type;
  std::ptrdiff_t lda = 0;
  const typename Unit::A* a = left_operand<Unit>(x, rows, width, &lda);
  const int steps = static_cast<int>((width + Unit::kPack - 1) / Unit::kPack);
  std::size_t r = 0;
  const auto take = [&](auto count) {
    panel_rows<Unit, decltype(count)::value>(a + static_cast<std::ptrdiff_t>(r) * lda, lda, panel, steps, columns,
                                             y + r * stride, stride);
    r += static_cast<std::size_t>(decltype(count)::value);
  };
  while (r + kTileRows <= rows) take(std::integral_constant<int, kTileRows>{});
  switch (rows - r) {
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

template void linear_pack<tome::bf16>(const float*, std::size_t, std::size_t, std::uint32_t*);
template void linear_pack<float>(const float*, std::size_t, std::size_t, std::uint32_t*);
#define TOME_INSTANTIATE(T, Y)                                                                                  \
  template void linear_product<T, Y>(const T*, std::size_t, std::size_t, const std::uint32_t*, std::size_t, Y*, \
                                     std::size_t);
TOME_INSTANTIATE(tome::bf16, tome::bf16)
TOME_INSTANTIATE(tome::bf16, float)
TOME_INSTANTIATE(float, float)
#undef TOME_INSTANTIATE

}  // namespace tome::ops::TOME_LEVEL
