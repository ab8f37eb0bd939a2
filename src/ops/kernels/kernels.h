// The functions that exist once for each CPU level, as one table. `kernels()` is the table of this machine's level.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ops/attention.h"
#include "ops/gemv.h"
#include "ops/int8.h"
#include "ops/linear.h"

namespace tome::ops {

enum class CpuLevel { kAvx2, kAvx512, kBf16, kAmx };

/// One attention tile: up to kAttentionRows rows (token, head of the group) of one kv head against a run of blocks.
template <typename T>
struct AttentionTile {
  const T* q;                   // the group's first head of the tile's first token; heads follow one another
  std::ptrdiff_t token_stride;  // numbers from token to token in q
  int tokens, group, head_width;
  const KeyRange* visible;  // [tokens]
  float scale;
  const KvBlock* blocks;
  std::size_t block_count;
  std::size_t head_words;  // native words of one head's K or V in a block
  std::size_t int8_words;  // of one head's int8 keys
  int kv_head;
  float* sums;    // [rows][Cp]: sum of exp2(score - peak) v, not normalised; has room for rows rounded up to 16
  float* peak;    // [rows]: the largest score, times log2(e)
  float* weight;  // [rows]: sum of exp2(score - peak)
};
inline constexpr int kAttentionRows = 96;

/// Backward pass of attention: one query head's run of `queries` rows against one key block of
/// RowKernels::backward_keys keys. It is worked on transposed (rows are keys), so that log-sum-exp and delta are
/// vectors and P^T, dS^T are left operands as they are. P: numbers in a word (RowKernels::backward_pack).
struct BackwardTile {
  int width, queries;  // C; kBackwardQueries, or half of it for wide heads
  float scale;
  // Queries and output gradients as backward_pack_queries lays them:
  const std::uint32_t *q_columns, *d_columns;  // [Cp / P][queries], words along C
  const std::uint32_t *q_lines, *d_lines;      // [queries / P][Cp], words along the queries
  const float *log_sum_exp2, *delta;           // [queries]: log-sum-exp times log2(e); sum of d_out * out
  /// [queries] keys of the block that each query sees, counted from the block's first; null: all of them.
  const float *begin, *end, *gap_begin, *gap_end;
  float* dq;  // [Cp][queries] (order: RowKernels::backward_query_place), added to; without the factor `scale`
  /// What the next tile works on, to be fetched meanwhile; null at the end. Twice the bytes of q_columns from the first
  /// two: columns and lines of queries, then of output gradients; and its dq.
  const std::uint32_t *next_q = nullptr, *next_d = nullptr;
  const float* next_dq = nullptr;
};
inline constexpr int kBackwardQueries = 128;

/// Row-wise operations on activations of type T.
template <typename T>
struct RowKernels {
  void (*attention_tile)(const AttentionTile<T>& tile, void* scratch);
  /// The steps of attention's backward pass, on one key block in `scratch` (backward_scratch_bytes, 64-byte aligned):
  /// load_keys, then for each run of queries scores (which adds to the gradients of keys and values) and add_queries,
  /// then store_keys. Rows of queries are packed before (count <= queries; the rest is zero).
  int (*backward_pack)();
  int (*backward_keys)();                  // in a block
  int (*backward_query_place)(int query);  // the column of dq that has the gradient of this query of the run
  std::size_t (*backward_scratch_bytes)();
  void (*backward_pack_queries)(const T* rows, std::ptrdiff_t stride, int count, int width, int queries,
                                std::uint32_t* columns, std::uint32_t* lines);
  void (*backward_load_keys)(const T* k, const T* v, std::ptrdiff_t stride, int count, int width, void* scratch);
  void (*backward_scores)(const BackwardTile& tile, void* scratch);
  void (*backward_add_queries)(const BackwardTile& tile, void* scratch);
  void (*backward_store_keys)(int count, int width, float scale, bool add, float* dk, float* dv, std::ptrdiff_t stride,
                              const void* scratch);
  /// out = x / rms(x) * weight, rows x width.
  void (*rms_norm)(const T* x, const float* weight, float epsilon, std::size_t rows, std::size_t width, T* out);
  /// x += y
  void (*add)(T* x, const T* y, std::size_t n);
  /// x += y, rounded once
  void (*add_f32)(T* x, const float* y, std::size_t n);
  /// gate = silu(gate) * up
  void (*silu_product)(T* gate, const T* up, std::size_t n);
  /// gate = gelu_tanh(gate) * up
  void (*gelu_product)(T* gate, const T* up, std::size_t n);
  /// Rotates heads x width numbers in place; cosine and sine: [width / 2].
  void (*rope_half)(T* x, std::size_t heads, std::size_t width, const float* cosine, const float* sine);
  void (*rope_pairs)(T* x, std::size_t heads, std::size_t width, const float* cosine, const float* sine);
  /// Sum over i of x[i] * w[i].
  float (*dot)(const T* x, const float* w, std::size_t n);
  /// out[i] = e^(x[i] - peak); their sum, before they are rounded to T.
  float (*exponentials)(const float* x, float peak, T* out, std::size_t n);
  void (*to_float)(const T* x, float* out, std::size_t n);
  void (*from_float)(const float* x, T* out, std::size_t n);
  /// Packs `columns` (<= kLinearPanel) weight rows, f32 [columns][width], for linear_product (ops/linear.h).
  void (*linear_pack)(const float* weights, std::size_t columns, std::size_t width, std::uint32_t* panel);
  /// Adds `count` rows of a weight [count][stride] to the reduction of one panel of its columns: products with W^T. The
  /// rows' place in the panel is a whole word; a last, half word is filled with zeros.
  void (*linear_pack_transposed)(const float* rows, std::size_t count, std::size_t stride, std::size_t columns,
                                 std::uint32_t* panel);
  /// y[rows][stride], columns [0, panels.columns) = x times the panels, or added to.
  void (*linear_product)(const LinearInput<T>& x, const LinearPanels& panels, bool accumulate, T* y,
                         std::size_t stride);
  /// The same with the sums as they are, in f32.
  void (*linear_product_f32)(const LinearInput<T>& x, const LinearPanels& panels, bool accumulate, float* y,
                             std::size_t stride);
  /// sums [rank][width] += sum over rows of low[row][rank] x[row][width] (rows of x `stride` apart): gradients of LoRA.
  void (*outer_product)(const T* x, std::size_t stride, const float* low, std::size_t rank, std::size_t rows,
                        std::size_t width, float* sums);
  /// Gradient of rms_norm: dx from dy (may be the same memory), and dw [width] added to unless null.
  void (*rms_norm_backward)(const T* x, const float* weight, float epsilon, const float* dy, std::size_t rows,
                            std::size_t width, float* dx, float* dw);
  /// Gradients of gate and up in their places, from that of the product.
  void (*silu_product_backward)(T* gate, T* up, const T* d_product, std::size_t n);
  void (*gelu_product_backward)(T* gate, T* up, const T* d_product, std::size_t n);
  /// Int8 rows with one scale for each group (ops/int8.h).
  void (*quantize_rows)(const T* x, std::size_t rows, std::size_t width, Int8Rows& out);
  /// y[rows][stride], columns [0, columns): int8 product, see ops/int8.h.
  void (*int8_product)(const Int8Rows& x, const Int8Panel& panel, std::size_t columns, T* y, std::size_t stride);
  void (*int8_product_f32)(const Int8Rows& x, const Int8Panel& panel, std::size_t columns, float* y,
                           std::size_t stride);
};

/// How much of the bf16 peak whole passes reach at a level (docs/performance.md): what plans reckon with.
struct PeakShares {
  double linear, attention;  // of reading
  double models;             // of reading with a model whose speed nobody has measured
  double training;
};

struct Kernels {
  CpuLevel level;
  std::string_view name;
  PeakShares shares;
  std::size_t row_tile;  // rows that linear_product takes at once: other numbers of rows waste some of its work
  std::size_t (*attention_scratch_bytes)();
  bool int8;         // quantize_rows, int8_product, int8_pack and gemv exist
  bool int8_linear;  // int8_product is faster than linear_product; with AMX's bf16 tiles it is not
  RowKernels<bf16> bf16_rows;
  RowKernels<float> f32_rows;
  /// Quantises f32 weight rows [out.columns][width] into `out`, which has been resized for them.
  void (*int8_quantize_weights)(const float* weights, std::size_t width, Int8Weights& out);
  /// Packs up to kInt8Panel weight rows for int8_product.
  void (*int8_pack)(const Int8Weights& weights, const Int8Panel& panel);
  /// One plane of a K/V block to its quantised form and back (ops/attention.h).
  void (*kv_quantize)(KvType type, const std::uint32_t* words, std::size_t count, std::uint32_t* plane);
  void (*kv_unpack)(KvType type, const std::uint32_t* plane, std::size_t count, std::uint32_t* words);
  /// int8_keys of one head of a full block (ops/attention.h); null where bf16 scores are as fast or there is no kernel.
  void (*quantize_keys)(const std::uint32_t* k, int padded_width, std::uint32_t* plane);
  /// Fills the int8 form of a vector; all its lists have been resized.
  void (*quantize_vector)(std::span<const float> x, GemvInput& out);
  /// y[r] = rows[r] * x, see ops/gemv.h; false when there is no kernel for the type.
  bool (*gemv)(TensorType type, const std::byte* rows, std::size_t row_bytes, const GemvInput& x, std::span<float> y);
  /// Nothing but the best multiply-add of the type, `steps` rounds; the operations done (0: no such instruction).
  double (*peak_f32)(long steps);
  double (*peak_bf16)(long steps);
  double (*peak_int8)(long steps);

  template <typename T>
  const RowKernels<T>& rows() const {
    if constexpr (sizeof(T) == 2) {
      return bf16_rows;
    } else {
      return f32_rows;
    }
  }
};

/// The best level that this CPU has, or the one that TOME_ISA (avx2, avx512, bf16, amx) asks for. Throws UserError when
/// the CPU lacks AVX2 and FMA or the level asked for, or when TOME_ISA has another value. Chosen once, at the first
/// call.
const Kernels& kernels();
/// The table of one level, for tests and benchmarks; null when this CPU lacks it.
const Kernels* kernels(CpuLevel level);

namespace level_avx2 {
extern const Kernels kTable;
}
namespace level_avx512 {
extern const Kernels kTable;
}
namespace level_bf16 {
extern const Kernels kTable;
}
namespace level_amx {
extern const Kernels kTable;
}

}  // namespace tome::ops
