// The register tile that all matrix products of attention are made of: C[R x NC vectors] (+)= A[R x K] B[K x NC
// vectors].
//
// B is packed "along the reduction": word (k, n) holds the kPack numbers that follow one another in k. A Unit says how
// one step multiplies a broadcast of A with a vector of B:
//   Bf16Dot    A and B words hold two bf16, multiplied and added in pairs by one instruction (AVX-512 BF16)
//   Bf16Widen  B words hold two bf16, A is f32: two multiply-adds (levels without BF16)
//   F32Plain   A and B are f32
// With AMX the products of Bf16Dot are done by tile_registers.h instead. R x NC = 6 x 4 with AVX-512 (24 sums + 4 of B
// + 1 of A of 32 registers), 6 x 2 with AVX2 (12 + 2 + 1 of 16).
#pragma once

#include <algorithm>
#include <utility>

#include "ops/kernels/simd.h"
#include "ops/kernels/tile_registers.h"

namespace tome::ops::TOME_LEVEL {

inline constexpr int kTileRows = 6;
inline constexpr int kTileVectors = kLanes == 16 ? 4 : 2;
inline constexpr int kTileColumns = kTileVectors * kLanes;

/// What units without tile registers hold meanwhile.
struct NoTileRegisters {};

#if defined(__AVX512BF16__)
struct Bf16Dot {
  using A = std::uint32_t;  // two bf16
  /// 2^x of softmax, as precise as its use
  static F32 power(F32 x) { return exp2_for_bf16(x); }
  static constexpr int kPack = 2;    // numbers of the reduction in one step
  static constexpr int kAWords = 1;  // elements of A in one step
#if defined(__AMX_BF16__)
  static constexpr bool kTileRegisters = true;
  using Registers = TileRegisters;
  static constexpr int kRows = 2 * kTileSide;  // best taken at once
  static constexpr int kLookahead = 12;        // lines to fetch ahead in a step
#else
  static constexpr bool kTileRegisters = false;
  using Registers = NoTileRegisters;
  static constexpr int kRows = kTileRows;
  static constexpr int kLookahead = 1;
#endif
  template <int R, int NC>
  static void step(F32 (&c)[R][NC], const A* a, std::ptrdiff_t lda, const std::uint32_t* b) {
    I32 bv[NC];
    for (int n = 0; n < NC; ++n) bv[n] = load_words(b + n * kLanes);
    for (int r = 0; r < R; ++r) {
      const auto av = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(a[r * lda])));
      for (int n = 0; n < NC; ++n) c[r][n] = _mm512_dpbf16_ps(c[r][n], av, reinterpret_cast<__m512bh>(bv[n]));
    }
  }
};
using Bf16Unit = Bf16Dot;
#else
struct Bf16Widen {
  using A = float;
  static F32 power(F32 x) { return exp2(x); }
  static constexpr int kPack = 2;
  static constexpr int kAWords = 2;
  static constexpr bool kTileRegisters = false;
  using Registers = NoTileRegisters;
  static constexpr int kRows = kTileRows;
  static constexpr int kLookahead = 1;
  template <int R, int NC>
  static void step(F32 (&c)[R][NC], const A* a, std::ptrdiff_t lda, const std::uint32_t* b) {
    F32 bv[NC];
    for (int n = 0; n < NC; ++n) bv[n] = low_bf16(load_words(b + n * kLanes));
    for (int r = 0; r < R; ++r) {
      const F32 av = set1(a[r * lda]);
      for (int n = 0; n < NC; ++n) c[r][n] = fma(av, bv[n], c[r][n]);
    }
    for (int n = 0; n < NC; ++n) bv[n] = high_bf16(load_words(b + n * kLanes));
    for (int r = 0; r < R; ++r) {
      const F32 av = set1(a[r * lda + 1]);
      for (int n = 0; n < NC; ++n) c[r][n] = fma(av, bv[n], c[r][n]);
    }
  }
};
using Bf16Unit = Bf16Widen;
#endif

struct F32Plain {
  using A = float;
  static F32 power(F32 x) { return exp2(x); }
  static constexpr int kPack = 1;
  static constexpr int kAWords = 1;
  static constexpr bool kTileRegisters = false;
  using Registers = NoTileRegisters;
  static constexpr int kRows = kTileRows;
  static constexpr int kLookahead = 1;
  template <int R, int NC>
  static void step(F32 (&c)[R][NC], const A* a, std::ptrdiff_t lda, const std::uint32_t* b) {
    F32 bv[NC];
    for (int n = 0; n < NC; ++n) bv[n] = load(reinterpret_cast<const float*>(b) + n * kLanes);
    for (int r = 0; r < R; ++r) {
      const F32 av = set1(a[r * lda]);
      for (int n = 0; n < NC; ++n) c[r][n] = fma(av, bv[n], c[r][n]);
    }
  }
};

/// The unit for activations of type T at this level.
template <typename T>
struct UnitOf;
template <>
struct UnitOf<bf16> {
  using type = Bf16Unit;
};
template <>
struct UnitOf<float> {
  using type = F32Plain;
};

/// Nothing to do between the steps of a product.
struct NoPrefetch {
  void step() {}
};

/// Asks for what comes next, two ranges in turn, so that it is in the second-level cache when its turn comes: kLines
/// lines of 64 bytes a step.
template <int kLines>
class Lookahead {
 public:
  struct Range {
    const void* from = nullptr;
    std::size_t bytes = 0;
  };
  Lookahead() = default;
  Lookahead(Range a, Range b) : now_(a), then_(b) {}
  Lookahead(const void* a, const void* b, std::size_t bytes_of_each)
      : Lookahead({a, bytes_of_each}, {b, bytes_of_each}) {}

  void step() {
    if (now_.bytes == 0) {
      if (then_.bytes == 0) return;
      std::swap(now_, then_);
    }
    const char* from = static_cast<const char*>(now_.from);
    for (std::size_t line = 0; line < kStep; line += 64) _mm_prefetch(from + line, _MM_HINT_T1);
    now_ = {from + kStep, now_.bytes - std::min(now_.bytes, kStep)};
    std::swap(now_, then_);
  }

 private:
  static constexpr std::size_t kStep = std::size_t{64} * kLines;
  Range now_, then_;
};

/// One register tile. a: R rows, `lda` elements apart; b: `steps` rows of words, `ldb` apart; c: R rows, `ldc` apart.
template <typename Unit, int R, int NC, bool kAccumulate, typename Prefetch>
[[gnu::always_inline]] inline void tile_product(const typename Unit::A* a, std::ptrdiff_t lda, const std::uint32_t* b,
                                                std::ptrdiff_t ldb, int steps, float* c, std::ptrdiff_t ldc,
                                                Prefetch& prefetch) {
  F32 sums[R][NC];
  for (int r = 0; r < R; ++r) {
    for (int n = 0; n < NC; ++n) sums[r][n] = kAccumulate ? load(c + r * ldc + n * kLanes) : zero();
  }
  for (int k = 0; k < steps; ++k) {
    prefetch.step();
    Unit::template step<R, NC>(sums, a + k * Unit::kAWords, lda, b + k * ldb);
  }
  for (int r = 0; r < R; ++r) {
    for (int n = 0; n < NC; ++n) store(c + r * ldc + n * kLanes, sums[r][n]);
  }
}

/// R rows times `columns` (a multiple of kLanes) columns.
template <typename Unit, int R, bool kAccumulate, typename Prefetch>
inline void row_product(const typename Unit::A* a, std::ptrdiff_t lda, const std::uint32_t* b, std::ptrdiff_t ldb,
                        int steps, float* c, std::ptrdiff_t ldc, int columns, Prefetch& prefetch) {
  int n = 0;
  for (; n + kTileColumns <= columns; n += kTileColumns) {
    tile_product<Unit, R, kTileVectors, kAccumulate>(a, lda, b + n, ldb, steps, c + n, ldc, prefetch);
  }
  for (; n < columns; n += kLanes)
    tile_product<Unit, R, 1, kAccumulate>(a, lda, b + n, ldb, steps, c + n, ldc, prefetch);
}

/// The same for a row count known only at run time, 1 to Unit::kRows.
template <typename Unit, bool kAccumulate, typename Prefetch>
inline void rows_product(int rows, const typename Unit::A* a, std::ptrdiff_t lda, const std::uint32_t* b,
                         std::ptrdiff_t ldb, int steps, float* c, std::ptrdiff_t ldc, int columns, Prefetch& prefetch) {
  if constexpr (Unit::kTileRegisters) {
    return tile_registers_product<kAccumulate>(rows, a, lda, b, ldb, steps, c, ldc, columns, prefetch);
  }
  switch (rows) {
    case 1:
      return row_product<Unit, 1, kAccumulate>(a, lda, b, ldb, steps, c, ldc, columns, prefetch);
    case 2:
      return row_product<Unit, 2, kAccumulate>(a, lda, b, ldb, steps, c, ldc, columns, prefetch);
    case 3:
      return row_product<Unit, 3, kAccumulate>(a, lda, b, ldb, steps, c, ldc, columns, prefetch);
    case 4:
      return row_product<Unit, 4, kAccumulate>(a, lda, b, ldb, steps, c, ldc, columns, prefetch);
    case 5:
      return row_product<Unit, 5, kAccumulate>(a, lda, b, ldb, steps, c, ldc, columns, prefetch);
    default:
      return row_product<Unit, 6, kAccumulate>(a, lda, b, ldb, steps, c, ldc, columns, prefetch);
  }
}

}  // namespace tome::ops::TOME_LEVEL
