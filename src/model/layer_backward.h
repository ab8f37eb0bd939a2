// One decoder layer backward, from the layer's input: mirrors DecoderLayer::forward (model/decoder_layer.h) line by
// line. What the tape does not hold is computed again.
//
// Letters: T tokens, N query rows (T, or only the target rows in the last layer), D width, H heads, K kv heads, C head
// width. Gradients of parameters accumulate, gradients of activations overwrite.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/aligned.h"
#include "base/threads.h"
#include "model/decoder_layer.h"
#include "model/head_groups.h"
#include "model/layer_gradient.h"
#include "ops/attention_backward.h"

namespace tome {

inline constexpr std::uint64_t kHeadGroupBytes = std::uint64_t{256} << 20;

/// What the backward pass of a layer reads.
template <typename T>
struct LayerBackwardInput {
  const T* x = nullptr;                     // [T][D], the layer's input
  std::span<const std::int64_t> positions;  // [T]
  std::span<const ops::KeyRange> visible;   // [T], this layer's
  std::span<const std::uint32_t> queries;   // [N] rows that went on after K and V, increasing; empty: all
  /// Of those rows (keys and values: of all). gate, up and attention_output are overwritten.
  LayerTape<T> tape;
};

template <typename T>
class LayerBackward {
 public:
  /// Borrows model and threads. `head_group_bytes`: see head_groups().
  LayerBackward(const Model& model, Threads& threads, std::uint64_t head_group_bytes = kHeadGroupBytes);

  /// d [N][D]: gradient of the layer's output rows, overwritten. dx [T][D]: gradient of the layer's input (may be d
  /// when all rows are queries).
  void run(std::size_t index, const LayerAdapter* adapter, const LayerBackwardInput<T>& input, T* d, T* dx,
           const LayerGradient& gradient);

 private:
  struct Scratch {  // one thread's rows
    std::size_t stripe = 0;
    AlignedBuffer<T> gathered, normed, hidden, narrow, gate, up, product, d_product;
    AlignedBuffer<float> wide, branch, heads, head_gradient;
    LowRank<T> low_forward, low_backward;
    ops::Int8Rows unused;
    HeadRotation::Memory rotation;
  };
  /// What one group of heads works with.
  struct HeadRows {
    HeadGroup group;
    ops::AttentionShape shape;
    ops::Rows<const T> q, k, v;          // [N][group's heads * C], [T][group's kv heads * C]
    AlignedBuffer<T> q_own, k_own, v_own;  // unless the tape has them
    AlignedBuffer<float> dk, dv;
  };
  template <typename Body>
  void for_blocks(std::size_t rows, const Body& body);
  void begin(std::size_t index, const LayerAdapter* adapter, const LayerBackwardInput<T>& input);
  void pack(Matrix m);
  void pack_heads(Matrix m, std::size_t first_head, std::size_t heads);
  void pack_first_factor(Matrix m);
  void pack_transposed(Matrix m);
  void release(std::initializer_list<Matrix> matrices);
  LoraPair lora(Matrix m) const { return adapter_ != nullptr ? (*adapter_)[static_cast<std::size_t>(m)] : LoraPair{}; }

  void project_keys(const LayerBackwardInput<T>& input);
  void project_queries(const LayerBackwardInput<T>& input);
  void select(const HeadGroup& group, const LayerBackwardInput<T>& input);
  void attend(const LayerBackwardInput<T>& input);
  void feed_forward_again(const LayerBackwardInput<T>& input, const T* attended, std::size_t first, std::size_t count,
                          Scratch& s);
  void after_attention(const LayerBackwardInput<T>& input, T* d, std::size_t first, std::size_t count, Scratch& s);
  void attention_backward(const LayerBackwardInput<T>& input);
  void keep_query_gradients(const LayerBackwardInput<T>& input, const ops::AttentionBackward<T>& attention);
  void keep_key_gradients(const LayerBackwardInput<T>& input);
  void before_attention(const LayerBackwardInput<T>& input, const T* d, T* dx);
  void query_gradients(const LayerBackwardInput<T>& input, std::size_t first, std::size_t count, Scratch& s);

  void norm_rows(const T* x, std::size_t count, Scratch& s) const;
  const T* query_rows(const LayerBackwardInput<T>& input, std::size_t first, std::size_t count, Scratch& s) const;
  void place_heads(Matrix m, std::span<const std::int64_t> positions, std::size_t count, T* out, Scratch& s);
  void heads_backward(Matrix m, std::span<const std::int64_t> positions, std::size_t count, std::size_t width,
                      float* gradient, Scratch& s);
  const T* branch_gradient(const T* d, const float* branch, Norm norm, std::size_t count, Scratch& s);
  template <typename Y>
  void linear_backward(Matrix m, const T* x, const T* dy, std::size_t count, bool accumulate, Y* dx, Scratch& s);

  const Linear<T>& forward(Matrix m) const { return forward_[static_cast<std::size_t>(m)]; }
  const LayerWeights& weights() const { return model_.layer(index_); }
  std::size_t queries() const { return query_positions_.size(); }
  bool has_branch_norms() const { return !weights()[Norm::kPostFeedForward].empty(); }

  const Model& model_;
  const ModelConfig& config_;
  Threads& threads_;
  ops::AttentionShape shape_;
  std::uint64_t head_group_bytes_;
  HeadRotation rotation_;
  std::size_t index_ = 0;
  const LayerAdapter* adapter_ = nullptr;
  std::array<Linear<T>, kMatrices.size()> forward_, backward_;  // of q, k and v the group's rows
  std::vector<std::int64_t> positions_, query_positions_;       // [T], [N]
  std::vector<ops::KeyRange> query_visible_;                    // [N]
  std::vector<HeadGroup> groups_;
  HeadRows heads_;
  bool heads_ready_ = false;  // heads_ holds all heads of this layer
  AlignedBuffer<T> attended_;          // [N][H*C]
  AlignedBuffer<float> sums_, delta_;  // [N][H]
  T* attention_output_ = nullptr;      // [N][H*C], of the tape or attended_: attention's output, its gradient, then dq
  float* log_sum_exp_ = nullptr;       // [N][H]
  ops::AttentionBackward<T> attention_;
  AlignedBuffer<T> dk_, dv_;  // [T][K*C]
  GradientSums gradients_;
  std::vector<Scratch> scratch_;
};

}  // namespace tome
