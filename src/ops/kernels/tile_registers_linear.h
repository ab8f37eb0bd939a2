// Linear products with AMX's tile registers. Included by linear.cc alone.
#pragma once

#if defined(__AMX_BF16__)

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <span>
#include <vector>

#include "ops/kernels/linear_parts.h"
#include "ops/kernels/simd.h"
#include "ops/kernels/tile_product.h"
#include "ops/kernels/tile_registers.h"
#include "ops/linear.h"

namespace tome::ops::TOME_LEVEL {

/// A run of whole tiles of the reduction, which begins at word `line` of each column.
struct TileRun {
  const std::uint32_t* a;
  const std::uint32_t* last_rows;  // of the rows that do not fill a tile: filled up with zeros, `tiles` tiles wide
  std::ptrdiff_t lda;
  int line, tiles;
  int words;  // of the last tile that count
};

/// The left side as runs of tiles. What does not fill a tile is copied and filled up with zeros.
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

/// 16 or 32 rows, of which `rows` are real, from `row` on; b: where each run's lines of the panel are.
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

/// All panels; the two parts of the reduction follow one another in each.
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

}  // namespace tome::ops::TOME_LEVEL

#endif
