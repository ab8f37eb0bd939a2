// Gradient of exact attention (ops/attention.h), tiled: five products a tile and no tokens x tokens buffer.
// FlashAttention-2's backward pass, arXiv 2307.08691; P and dS are recomputed from the kept log-sum-exp.
//
// Letters: N query rows, T keys, H query heads, K kv heads, C head width.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned.h"
#include "base/threads.h"
#include "ops/attention.h"

namespace tome::ops {

/// Rows of numbers, `stride` from row to row.
template <typename T>
struct Rows {
  T* data = nullptr;
  std::ptrdiff_t stride = 0;

  T* operator[](std::size_t row) const { return data + static_cast<std::ptrdiff_t>(row) * stride; }
};

template <typename T>
struct AttentionGradientInput {
  Rows<const T> q;                    // [N][H*C]
  Rows<const T> k, v;                 // [T][K*C]
  Rows<const T> d_out;                // [N][H*C]
  Rows<const float> log_sum_exp;      // [N][H], natural log, of the forward pass
  Rows<const float> delta;            // [N][H]: sum over C of d_out * out
  std::span<const KeyRange> visible;  // [N]
  std::size_t keys = 0;               // T
};

/// Gradients of queries, keys and values. Reused from call to call, it keeps its memory.
template <typename T>
class AttentionBackward {
 public:
  /// Overwrites dk and dv [T][K*C], or adds to them: the query heads of one kv head may come in several calls. The
  /// result depends on the input alone, not on the number of threads.
  void run(Threads& threads, const AttentionShape& shape, const AttentionGradientInput<T>& input, bool add_to_keys,
           Rows<float> dk, Rows<float> dv);
  /// After run(): the gradient of query rows [first, first + count), to [count][H*C]. Any thread.
  void queries(std::size_t first, std::size_t count, Rows<float> to) const;

  /// Bytes held until the next run().
  std::size_t memory() const { return packed_.bytes() + row_numbers_.bytes() + dq_.bytes(); }
  /// Bytes of this object for N query rows of `shape`.
  static std::size_t bytes(const AttentionShape& shape, std::size_t query_rows);

 private:
  struct Touch {
    std::uint32_t run;   // of queries
    std::uint32_t turn;  // how many key blocks add to its dq before this one
    bool all;            // every query sees every key of the block
  };
  void find_touches(std::span<const KeyRange> visible, std::size_t keys);
  void pack(Threads& threads, const AttentionShape& shape, const AttentionGradientInput<T>& input);
  void key_block(const AttentionShape& shape, const AttentionGradientInput<T>& input, std::size_t kv_head,
                 std::size_t block, void* scratch, bool add_to_keys, Rows<float> dk, Rows<float> dv);

  std::size_t heads_ = 0, width_ = 0;        // H, C
  std::size_t padded_ = 0;                   // C rounded up to 16: rows of dq
  float scale_ = 0;                          // of the scores
  std::size_t keys_ = 0;                     // of one block
  std::size_t queries_ = 0;                  // rows of one run
  std::size_t runs_ = 0;                     // of queries, per head
  std::size_t words_ = 0;                    // of one packed run
  std::vector<std::vector<Touch>> touches_;  // [key blocks]
  AlignedBuffer<std::uint32_t> packed_;      // [H][runs][4][words]: q columns, q lines, d_out columns, d_out lines
  AlignedBuffer<float> row_numbers_;         // [H][runs][2][queries]: log-sum-exp times log2(e), delta
  AlignedBuffer<float> dq_;                  // [H][runs][Cp][queries], see RowKernels::backward_query_place
  std::vector<std::atomic<std::uint32_t>> turns_;  // [H][runs]: key blocks that have added to dq_
};

/// The slow oracle of one query row: adds to dk, dv [n][C] and returns dq [C], in double. out: of the forward pass.
std::vector<double> attention_row_gradient_reference(std::span<const double> q, std::span<const double> k,
                                                     std::span<const double> v, std::span<const double> d_out,
                                                     double scale, std::span<double> dk, std::span<double> dv);

}  // namespace tome::ops
