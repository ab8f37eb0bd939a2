// AMX: products of bf16 pairs on tile registers, 16 x 16 sums each.
//
// The operands are those of tile_product.h: A has rows of words (two bf16 that follow one another in the reduction), B
// has one line of words for each step. A tile of A is 16 rows of up to 16 words, one of B up to 16 lines of 16 words;
// four tiles of sums (32 x 32) are worked on with two tiles of A and two of B, so that each is used twice.
// Rows are always taken sixteen at a time: A and C have memory for that, and what is in the rows past the last does not
// matter.
#pragma once

#if defined(__AMX_BF16__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace tome::ops::TOME_LEVEL {

inline constexpr int kTileSide = 16;  // rows, words and columns of a tile

/// The thread's tile registers, given back at the end of the scope. One at a time.
class TileRegisters {
 public:
  TileRegisters() { configure(kTileSide); }
  ~TileRegisters() { _tile_release(); }
  TileRegisters(const TileRegisters&) = delete;
  TileRegisters& operator=(const TileRegisters&) = delete;

  /// Tiles of A with `words` words in a row, of B with as many lines; sums are lost.
  static void configure(int words) {
    struct alignas(64) Shape {
      std::uint8_t palette = 1;
      std::uint8_t start_row = 0;
      std::uint8_t reserved[14] = {};
      std::uint16_t row_bytes[16] = {};
      std::uint8_t rows[16] = {};
    } shape;
    for (int t = 0; t < 8; ++t) {
      const bool is_a = t == 4 || t == 5;
      const bool is_b = t == 6 || t == 7;
      shape.row_bytes[t] = static_cast<std::uint16_t>(4 * (is_a ? words : kTileSide));
      shape.rows[t] = static_cast<std::uint8_t>(is_b ? words : kTileSide);
    }
    asm volatile("" : : "r"(&shape) : "memory");  // the intrinsic names only the first bytes as read
    _tile_loadconfig(&shape);
  }
};

/// Sums of 16 or 32 rows and columns in tile registers 0 to 3. Between two of these calls nothing else may use them.
template <bool kTwoRows, bool kTwoColumns>
struct TileSums {
  static constexpr bool kFour = kTwoRows && kTwoColumns;

  [[gnu::always_inline]] static void zero() {
    _tile_zero(0);
    if constexpr (kTwoColumns) _tile_zero(1);
    if constexpr (kTwoRows) _tile_zero(2);
    if constexpr (kFour) _tile_zero(3);
  }
  [[gnu::always_inline]] static void load(const float* c, std::ptrdiff_t ldc) {
    const std::ptrdiff_t bytes = 4 * ldc;
    _tile_loadd(0, c, bytes);
    if constexpr (kTwoColumns) _tile_loadd(1, c + kTileSide, bytes);
    if constexpr (kTwoRows) _tile_loadd(2, c + kTileSide * ldc, bytes);
    if constexpr (kFour) _tile_loadd(3, c + kTileSide * ldc + kTileSide, bytes);
  }
  [[gnu::always_inline]] static void store(float* c, std::ptrdiff_t ldc) {
    const std::ptrdiff_t bytes = 4 * ldc;
    _tile_stored(0, c, bytes);
    if constexpr (kTwoColumns) _tile_stored(1, c + kTileSide, bytes);
    if constexpr (kTwoRows) _tile_stored(2, c + kTileSide * ldc, bytes);
    if constexpr (kFour) _tile_stored(3, c + kTileSide * ldc + kTileSide, bytes);
  }
  /// Adds `count` tiles of the reduction, `words` words each.
  template <typename Prefetch>
  [[gnu::always_inline]] static void add(const std::uint32_t* a, std::ptrdiff_t lda, const std::uint32_t* b,
                                         std::ptrdiff_t ldb, int count, int words, Prefetch& prefetch) {
    const std::ptrdiff_t a_bytes = 4 * lda;
    const std::ptrdiff_t b_bytes = 4 * ldb;
    for (int k = 0; k < count; ++k, a += words, b += words * ldb) {
      prefetch.step();
      _tile_loadd(4, a, a_bytes);
      _tile_loadd(6, b, b_bytes);
      _tile_dpbf16ps(0, 4, 6);
      if constexpr (kTwoColumns) {
        _tile_loadd(7, b + kTileSide, b_bytes);
        _tile_dpbf16ps(1, 4, 7);
      }
      if constexpr (kTwoRows) {
        _tile_loadd(5, a + kTileSide * lda, a_bytes);
        _tile_dpbf16ps(2, 5, 6);
      }
      if constexpr (kFour) _tile_dpbf16ps(3, 5, 7);
    }
  }
};

/// C[rows][columns] (+)= A[rows][steps] B[steps][columns], `columns` a multiple of 16.
template <bool kAccumulate, typename Prefetch>
void tile_registers_product(int rows, const std::uint32_t* a, std::ptrdiff_t lda, const std::uint32_t* b,
                            std::ptrdiff_t ldb, int steps, float* c, std::ptrdiff_t ldc, int columns,
                            Prefetch& prefetch) {
  asm volatile("" : : : "memory");  // the loads below are not seen as reads
  int words = kTileSide;
  while (steps % words != 0) words /= 2;
  if (words != kTileSide) TileRegisters::configure(words);
  const int count = steps / words;
  const auto block = [&](auto sums, int row, int column) {
    float* to = c + row * ldc + column;
    if constexpr (kAccumulate) {
      sums.load(to, ldc);
    } else {
      sums.zero();
    }
    sums.add(a + row * lda, lda, b + column, ldb, count, words, prefetch);
    sums.store(to, ldc);
  };
  int column = 0;
  for (; column + kTileSide < columns; column += 2 * kTileSide) {
    int row = 0;
    for (; row + kTileSide < rows; row += 2 * kTileSide) block(TileSums<true, true>{}, row, column);
    if (row < rows) block(TileSums<false, true>{}, row, column);
  }
  if (column < columns) {
    int row = 0;
    for (; row + kTileSide < rows; row += 2 * kTileSide) block(TileSums<true, false>{}, row, column);
    if (row < rows) block(TileSums<false, false>{}, row, column);
  }
  if (words != kTileSide) TileRegisters::configure(kTileSide);
}

}  // namespace tome::ops::TOME_LEVEL

#endif
