#include <algorithm>
#include <cstring>
#include <type_traits>
#include <variant>

#include "ops/kernels/attention_kernel.h"
#include "ops/kernels/int8_keys.h"
#include "ops/kernels/kv_quant.h"
#include "ops/kernels/tile_product.h"

namespace tome::ops::TOME_LEVEL {
namespace {

constexpr float kHidden = -1e30f;  // a masked score
constexpr int kColumnStep = 64;    // masked blocks are computed in strips of this many keys
constexpr int kNearKeys = 256;     // before a tile's queries: their scores are exact

template <typename Unit>
constexpr bool kInt8Scores = TOME_INT8_SCORES != 0 && std::is_same_v<Unit, Bf16Unit>;

// Whether products of many rows are faster on a block that is widened to f32 before: with 16 registers; with 32,
// reading twice as many bytes costs more than widening again and again.
template <typename Unit>
constexpr bool kWidens = Unit::kPack == 2 && std::is_same_v<typename Unit::A, float>&& kLanes == 8;

// A head's block as f32, K [channel][kKvBlock] and V [key][channel].
struct WideBlock {
  alignas(64) std::uint32_t k[kKvBlock * kMaxHeadWidth];
  alignas(64) std::uint32_t v[kKvBlock * kMaxHeadWidth];
};

// A tile's queries for products with int8 keys.
struct Int8Queries {
  alignas(64) std::uint32_t values[kAttentionRows * kMaxHeadWidth / 4];
  alignas(64) float scales[kAttentionRows];
};

// Where one kv head's tile keeps its queries, and the scores of the rows in hand (they stay in the first-level
// cache).
template <typename Unit>
struct Scratch {
  alignas(64) float scores[Unit::kRows * kKvBlock];
  alignas(64) typename Unit::A weights[Unit::kRows * kKvBlock / Unit::kPack * Unit::kAWords];
  alignas(64) typename Unit::A queries[kAttentionRows * kMaxHeadWidth / Unit::kPack * Unit::kAWords];
  alignas(64) std::uint32_t unpacked_k[kKvBlock * kMaxHeadWidth / 2];  // touched only for quantised blocks
  alignas(64) std::uint32_t unpacked_v[kKvBlock * kMaxHeadWidth / 2];
  [[no_unique_address]] std::conditional_t<kWidens<Unit>, WideBlock, std::monostate> wide;
  [[no_unique_address]] std::conditional_t<kInt8Scores<Unit>, Int8Queries, std::nullptr_t> int8;
};

// Queries as the left operand: rows [token][head of the group], zero past C.
template <typename Unit, typename T>
void load_queries(const AttentionTile<T>& tile, int padded, typename Unit::A* out) {
  constexpr bool kSameType =
      sizeof(typename Unit::A) * static_cast<std::size_t>(Unit::kAWords) == sizeof(T) * Unit::kPack;
  for (int token = 0; token < tile.tokens; ++token) {
    for (int head = 0; head < tile.group; ++head) {
      const T* q = tile.q + token * tile.token_stride + head * tile.head_width;
      if constexpr (kSameType) {
        T* row = reinterpret_cast<T*>(out);
        std::memcpy(row, q, sizeof(T) * static_cast<std::size_t>(tile.head_width));
        std::fill(row + tile.head_width, row + padded, T(0.0f));
      } else {
        auto* row = reinterpret_cast<float*>(out);
        for (int c = 0; c < padded; ++c) row[c] = c < tile.head_width ? static_cast<float>(q[c]) : 0.0f;
      }
      out += padded / Unit::kPack * Unit::kAWords;
    }
  }
}

// Stores 2 x kLanes weights as the left operand of the product with V.
template <typename Unit>
inline void store_weights(typename Unit::A* out, F32 first, F32 second) {
#if defined(__AVX512BF16__)
  if constexpr (Unit::kPack == 2) {
    _mm512_storeu_si512(out, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first)));
    return;
  }
#endif
  if constexpr (sizeof(typename Unit::A) == sizeof(float)) {
    store(reinterpret_cast<float*>(out), first);
    store(reinterpret_cast<float*>(out) + kLanes, second);
  }
}

// What stored scores of a row stand for: scale * score + shift, times log2(e).
struct ScoreUnit {
  float scale, shift;
};

// One row's softmax over columns [c0, c1): updates peak, weight and the row of sums, writes the weights.
template <typename Unit>
inline void softmax_row(const float* scores, int c0, int c1, ScoreUnit unit, float* peak, float* weight, float* sums,
                        int padded, typename Unit::A* weights) {
  F32 top0 = load(scores + c0);
  F32 top1 = load(scores + c0 + kLanes);
  for (int c = c0 + 2 * kLanes; c < c1; c += 2 * kLanes) {
    top0 = max(top0, load(scores + c));
    top1 = max(top1, load(scores + c + kLanes));
  }
  const float top = max_of(max(top0, top1)) * unit.scale + unit.shift;
  if (top > *peak) {
    const float shrink = __builtin_exp2f(*peak - top);
    *weight *= shrink;
    for (int c = 0; c < padded; c += kLanes) store(sums + c, mul(set1(shrink), load(sums + c)));
    *peak = top;
  }
  const F32 scale = set1(unit.scale);
  const F32 shift = set1(*peak - unit.shift);
  F32 total0 = zero();
  F32 total1 = zero();
  for (int c = c0; c < c1; c += 2 * kLanes) {
    const F32 a = Unit::power(fms(load(scores + c), scale, shift));
    const F32 b = Unit::power(fms(load(scores + c + kLanes), scale, shift));
    total0 = add(total0, a);
    total1 = add(total1, b);
    store_weights<Unit>(weights + c / Unit::kPack * Unit::kAWords, a, b);
  }
  *weight += sum(add(total0, total1));
}

// Columns of a block that a token sees: [begin, end) without [gap_begin, gap_end), which lies inside; empty when end <=
// begin.
struct Columns {
  int begin, end, gap_begin, gap_end;
};

inline void hide(float* scores, int c0, int c1, const Columns& seen) {
  for (int c = c0; c < std::min(seen.begin, c1); ++c) scores[c] = kHidden;
  for (int c = seen.gap_begin; c < seen.gap_end; ++c) scores[c] = kHidden;
  for (int c = std::max(seen.end, c0); c < c1; ++c) scores[c] = kHidden;
}

inline Columns visible_columns(const KeyRange& range, const KvBlock& block) {
  const auto column = [&](std::int64_t index) {
    return static_cast<int>(std::clamp<std::int64_t>(index - block.first, 0, block.count));
  };
  Columns seen{column(range.begin), column(range.end), column(range.gap_begin), column(range.gap_end)};
  if (seen.gap_begin >= seen.gap_end) seen.gap_begin = seen.gap_end = seen.begin;
  if (seen.gap_begin == seen.begin) seen.begin = seen.gap_begin = seen.gap_end;
  if (seen.gap_end == seen.end && seen.gap_end > seen.gap_begin) seen.end = seen.gap_end = seen.gap_begin;
  return seen;
}

// One head's K and V of a block, as native words, and its keys as int8 or null.
struct HeadBlock {
  const std::uint32_t* k;
  const std::uint32_t* v;
  const std::uint32_t* int8_keys = nullptr;
};

// Rows of words that hold two bf16 each, `stride` words apart, as twice as many rows of words that hold one f32:
// columns [c0, c1) of them.
inline void widen_pairs(const std::uint32_t* words, int rows, int stride, int c0, int c1, std::uint32_t* out) {
  auto* to = reinterpret_cast<float*>(out);
  for (int row = 0; row < rows; ++row, words += stride, to += 2 * stride) {
    for (int c = c0; c < c1; c += kLanes) {
      store(to + c, low_bf16(load_words(words + c)));
      store(to + stride + c, high_bf16(load_words(words + c)));
    }
  }
}

// The keys [c0, c1) of a block, multiples of kColumnStep.
inline HeadBlock widen(const HeadBlock& head, int padded, int c0, int c1, WideBlock& wide) {
  widen_pairs(head.k, padded / 2, kKvBlock, c0, c1, wide.k);
  widen_pairs(head.v + c0 / 2 * padded, (c1 - c0) / 2, padded, 0, padded, wide.v + c0 * padded);
  return {wide.k, wide.v};
}

// The int8 keys of a block that a tile's scores are made with, or null. The keys just before the queries and the first
// of all, which get most of the weight, are multiplied exactly. Few rows (a question, a word being decoded) are not
// worth rounding: memory is what takes their time.
template <typename T>
const std::uint32_t* far_keys(const AttentionTile<T>& tile, const KvBlock& block) {
  using Unit = typename UnitOf<T>::type;
  if (!kInt8Scores<Unit> || tile.tokens * tile.group <= Unit::kRows) return nullptr;
  const bool near = block.first + kKvBlock + kNearKeys > tile.visible[0].end;
  return near || block.first == 0 ? nullptr : block.int8_keys;
}

// Quantised planes are unpacked once for all rows of the tile.
template <typename Unit, typename T>
HeadBlock head_block(const AttentionTile<T>& tile, const KvBlock& block, Scratch<Unit>& scratch) {
  const auto head = static_cast<std::size_t>(tile.kv_head);
  const std::size_t plane = kv_plane_words(block.type, tile.head_words) * head;
  if (block.type == KvType::kNative) {
    const std::uint32_t* keys = far_keys(tile, block);
    return {block.k + plane, block.v + plane, keys != nullptr ? keys + tile.int8_words * head : nullptr};
  }
  kv_unpack(block.type, block.k + plane, tile.head_words, scratch.unpacked_k);
  kv_unpack(block.type, block.v + plane, tile.head_words, scratch.unpacked_v);
  return {scratch.unpacked_k, scratch.unpacked_v};
}

// Strips of kColumnStep columns that hold all that is seen: [begin, end), empty when end <= begin.
struct Strips {
  int begin = kKvBlock, end = 0;

  void add(const Columns& seen) {
    begin = std::min(begin, seen.begin / kColumnStep * kColumnStep);
    end = std::max(end, (seen.end + kColumnStep - 1) / kColumnStep * kColumnStep);
  }
};

inline Strips visible_strips(const KvBlock& block, const KeyRange* visible, int tokens) {
  Strips strips;
  for (int t = 0; t < tokens; ++t) {
    const Columns seen = visible_columns(visible[t], block);
    if (seen.begin < seen.end) strips.add(seen);
  }
  return strips;
}

// Scores of `rows` rows from `row` on and keys [c0, c1) of a head's block, which are in `units` [rows].
template <typename Product, typename Unit, typename Prefetch>
void score_rows(const HeadBlock& head, float scale_log2, int row, int rows, int padded, int c0, int c1, Prefetch& next,
                Scratch<Unit>& scratch, ScoreUnit* units) {
  const int query_words = padded / Unit::kPack * Unit::kAWords;
  const typename Unit::A* queries = scratch.queries + row * query_words;
#if TOME_INT8_SCORES
  if constexpr (kInt8Scores<Unit>) {
    if (head.int8_keys != nullptr) {
      const Int8Keys keys(head.int8_keys, padded);
      int8_scores(rows, scratch.int8.values + row * padded / 4, padded, keys, c0, c1, scratch.scores, next);
      for (int r = 0; r < rows; ++r) {
        units[r] = {scale_log2 * scratch.int8.scales[row + r],
                    scale_log2 * mean_score(queries + r * query_words, keys.mean, padded)};
      }
      return;
    }
  }
#endif
  rows_product<Product, false>(rows, queries, query_words, head.k + c0, kKvBlock, padded / Product::kPack,
                               scratch.scores + c0, kKvBlock, c1 - c0, next);
  std::fill(units, units + rows, ScoreUnit{scale_log2, 0.0f});
}

// Up to Unit::kRows rows against one block, whose words are those of Product.
template <typename Product, typename Unit, typename T, typename Prefetch>
void attend_rows(const AttentionTile<T>& tile, const KvBlock& block, const HeadBlock& head, int row, int rows,
                 int padded, Prefetch& next, Scratch<Unit>& scratch) {
  bool all = true;
  Columns seen[Unit::kRows];
  Strips strips;
  for (int r = 0; r < rows; ++r) {
    seen[r] = visible_columns(tile.visible[(row + r) / tile.group], block);
    if (seen[r].begin < seen[r].end) strips.add(seen[r]);
  }
  if (strips.begin >= strips.end) return;
  const int c0 = strips.begin;
  const int c1 = strips.end;
  for (int r = 0; r < rows; ++r) {
    all = all && seen[r].begin <= c0 && seen[r].end >= c1 && seen[r].gap_begin >= seen[r].gap_end;
  }

  constexpr int kAStep = Unit::kAWords;
  constexpr int kWeightWords = kKvBlock / Unit::kPack * kAStep;
  ScoreUnit units[Unit::kRows];
  score_rows<Product>(head, tile.scale * 1.44269504f, row, rows, padded, c0, c1, next, scratch, units);
  for (int r = 0; r < rows; ++r) {
    typename Unit::A* weights = scratch.weights + r * kWeightWords;
    if (!all) {
      if (seen[r].begin >= seen[r].end) {
        std::memset(weights + c0 / Unit::kPack * kAStep, 0,
                    sizeof(*weights) * static_cast<std::size_t>((c1 - c0) / Unit::kPack * kAStep));
        continue;
      }
      hide(scratch.scores + r * kKvBlock, c0, c1, seen[r]);
    }
    softmax_row<Unit>(scratch.scores + r * kKvBlock, c0, c1, units[r], tile.peak + row + r, tile.weight + row + r,
                      tile.sums + (row + r) * padded, padded, weights);
  }
  const std::uint32_t* values = head.v + static_cast<std::ptrdiff_t>(c0 / Product::kPack) * padded;
  rows_product<Product, true>(rows, scratch.weights + c0 / Unit::kPack * kAStep, kWeightWords, values, padded,
                              (c1 - c0) / Product::kPack, tile.sums + row * padded, padded, padded, next);
}

}  // namespace

template <typename T>
void attention_tile(const AttentionTile<T>& tile, void* memory) {
  using Unit = typename UnitOf<T>::type;
  auto& scratch = *static_cast<Scratch<Unit>*>(memory);
  const int padded = (tile.head_width + 15) / 16 * 16;
  const int rows = tile.tokens * tile.group;
  [[maybe_unused]] const typename Unit::Registers registers{};
  load_queries<Unit>(tile, padded, scratch.queries);
  std::memset(tile.sums, 0, sizeof(float) * static_cast<std::size_t>(rows * padded));
  for (int r = 0; r < rows; ++r) {
    tile.peak[r] = kHidden;
    tile.weight[r] = 0;
  }
#if TOME_INT8_SCORES
  if constexpr (kInt8Scores<Unit>) {
    if (std::any_of(tile.blocks, tile.blocks + tile.block_count,
                    [&](const KvBlock& block) { return far_keys(tile, block) != nullptr; })) {
      quantize_queries(scratch.queries, rows, padded, scratch.int8.values, scratch.int8.scales);
    }
  }
#endif
  for (std::size_t b = 0; b < tile.block_count; ++b) {
    const Strips strips = visible_strips(tile.blocks[b], tile.visible, tile.tokens);
    if (strips.begin >= strips.end) continue;
    const HeadBlock head = head_block(tile, tile.blocks[b], scratch);
    const auto attend_with = [&]<typename Product>(const Product&, const HeadBlock& words, auto next) {
      for (int row = 0; row < rows; row += Unit::kRows) {
        attend_rows<Product>(tile, tile.blocks[b], words, row, std::min(Unit::kRows, rows - row), padded, next,
                             scratch);
      }
    };
    const auto attend = [&](auto next) {
      if constexpr (kWidens<Unit>) {
        if (rows > Unit::kRows) {
          return attend_with(F32Plain{}, widen(head, padded, strips.begin, strips.end, scratch.wide), next);
        }
      }
      attend_with(Unit{}, head, next);
    };
    if (b + 1 == tile.block_count) {
      attend(NoPrefetch{});
      continue;
    }
    const KvBlock& following = tile.blocks[b + 1];
    const auto kv_head = static_cast<std::size_t>(tile.kv_head);
    const std::size_t words = kv_plane_words(following.type, tile.head_words);
    const auto ahead = [&](auto lookahead) {
      using Range = typename decltype(lookahead)::Range;
      const auto range = [&](const std::uint32_t* planes, std::size_t plane) {
        return Range{planes + plane * kv_head, plane * sizeof(std::uint32_t)};
      };
      const std::uint32_t* keys = far_keys(tile, following);
      attend(decltype(lookahead)(keys != nullptr ? range(keys, tile.int8_words) : range(following.k, words),
                                 range(following.v, words)));
    };
    if (rows <= Unit::kRows) {  // each line is used in one step alone: ask for as many as a step goes through
      ahead(Lookahead<4 * Unit::kLookahead>());
    } else {
      ahead(Lookahead<Unit::kLookahead>());
    }
  }
}

std::size_t attention_scratch_bytes() { return std::max(sizeof(Scratch<Bf16Unit>), sizeof(Scratch<F32Plain>)); }

template void attention_tile<tome::bf16>(const AttentionTile<tome::bf16>&, void*);
template void attention_tile<float>(const AttentionTile<float>&, void*);

}  // namespace tome::ops::TOME_LEVEL
