// Attention's part of a layer's backward pass, one group of heads after another.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "model/backward_rows.h"
#include "model/head_groups.h"
#include "model/head_rotation.h"
#include "ops/attention_backward.h"

namespace tome {

template <typename T>
class LayerAttentionBackward {
 public:
  /// Borrows the rows, which are of the layer in hand whenever attend() is called.
  LayerAttentionBackward(BackwardRows<T>& rows, std::uint64_t head_group_bytes);

  /// Makes output() and its log-sum-exp of the layer in hand: the tape's, or computed again.
  void attend();
  /// [N][H*C]: attention's output after attend(), its gradient when run() is called, afterwards the gradient of the
  /// queries' product.
  T* output() const { return output_; }
  /// [N][H]: to be filled before run() with the sums over C of output times its gradient.
  float* delta() const { return delta_.data(); }
  void run();
  /// [T][K*C] after run(): gradients of the keys' and values' products.
  const T* dk() const { return dk_.data(); }
  const T* dv() const { return dv_.data(); }
  /// Large memory goes back to the system.
  void release();

 private:
  /// What one group of heads works with.
  struct HeadRows {
    HeadGroup group;
    ops::AttentionShape shape;
    ops::Rows<const T> q, k, v;            // [N][group's heads * C], [T][group's kv heads * C]
    AlignedBuffer<T> q_own, k_own, v_own;  // unless the tape has them
    AlignedBuffer<float> dk, dv;
  };
  void pack_heads(Matrix m, std::size_t first_head, std::size_t heads);
  void place_heads(Matrix m, std::size_t first, std::size_t count, T* out, BackwardScratch<T>& s);
  void project_keys();
  void project_queries();
  void select(const HeadGroup& group);
  // Of rows [first, first + count) of the queries, or of all rows.
  std::span<const ops::KeyRange> seen(Matrix m, std::size_t first, std::size_t count) const;
  std::span<const std::int64_t> positions(Matrix m, std::size_t first, std::size_t count) const;
  void heads_backward(Matrix m, std::size_t first, std::size_t count, std::size_t width, float* gradient,
                      BackwardScratch<T>& s);
  void keep_query_gradients();
  void keep_key_gradients();
  const Linear<T>& forward(Matrix m) const { return forward_[static_cast<std::size_t>(m)]; }

  BackwardRows<T>& rows_;
  ops::AttentionShape shape_;
  std::uint64_t head_group_bytes_;
  HeadRotation rotation_;
  std::array<Linear<T>, 3> forward_;  // of queries, keys and values: the group's rows
  std::vector<HeadGroup> groups_;
  HeadRows heads_;
  bool heads_ready_ = false;           // heads_ holds all heads of this layer
  AlignedBuffer<T> attended_;          // [N][H*C]
  AlignedBuffer<float> sums_, delta_;  // [N][H]
  T* output_ = nullptr;                // of the tape or attended_
  float* log_sum_exp_ = nullptr;       // [N][H]
  ops::AttentionBackward<T> attention_;
  AlignedBuffer<T> dk_, dv_;  // [T][K*C]
};

}  // namespace tome
