// One decoder layer backward, from the layer's input: mirrors DecoderLayer::forward (model/decoder_layer.h) line by
// line. What the tape does not hold is computed again.
//
// Letters as in model/backward_rows.h. Gradients of parameters accumulate, gradients of activations overwrite.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "model/backward_rows.h"
#include "model/layer_attention_backward.h"

namespace tome {

inline constexpr std::uint64_t kHeadGroupBytes = std::uint64_t{256} << 20;

template <typename T>
class LayerBackward {
 public:
  /// Borrows model and threads. `head_group_bytes`: see head_groups().
  LayerBackward(const Model& model, Threads& threads, std::uint64_t head_group_bytes = kHeadGroupBytes);

  /// Of the LoRA pairs' inputs, as the forward pass had it.
  void set_dropout(const LoraDropout& dropout) { rows_.dropout = dropout; }
  /// d [N][D]: gradient of the layer's output rows, overwritten. dx [T][D]: gradient of the layer's input (may be d
  /// when all rows are queries).
  void run(std::size_t index, const LayerAdapter* adapter, const LayerBackwardInput<T>& input, T* d, T* dx,
           const LayerGradient& gradient);

 private:
  using Scratch = BackwardScratch<T>;
  void pack(Matrix m);
  void pack_first_factor(Matrix m);
  void pack_transposed(Matrix m);
  void release(std::initializer_list<Matrix> matrices);

  void feed_forward_again(const T* attended, std::size_t first, std::size_t count, Scratch& s);
  void after_attention(T* d, std::size_t first, std::size_t count, Scratch& s);
  void before_attention(const T* d, T* dx);
  void query_gradients(std::size_t first, std::size_t count, Scratch& s);
  const T* branch_gradient(const T* d, const float* branch, Norm norm, std::size_t count, Scratch& s);
  template <typename Y>
  void multiply(Matrix m, std::span<const ops::KeyRange> seen, const T* x, Y* y, Scratch& s);
  template <typename Y>
  void linear_backward(Matrix m, std::span<const ops::KeyRange> seen, const T* x, const T* dy, bool accumulate, Y* dx,
                       Scratch& s);

  const Linear<T>& forward(Matrix m) const { return forward_[static_cast<std::size_t>(m)]; }
  bool has_branch_norms() const { return !rows_.weights()[Norm::kPostFeedForward].empty(); }

  BackwardRows<T> rows_;
  LayerAttentionBackward<T> attention_;
  std::array<Linear<T>, kMatrices.size()> forward_, backward_;
};

}  // namespace tome
