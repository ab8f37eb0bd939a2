// One decoder layer backward, from the layer's input: mirrors DecoderLayer::forward (model/decoder_layer.h) line by
// line.
//
// Letters: T tokens, N query rows (T, or only the target rows in the last layer), D width, H heads, K kv heads, C head
// width. Gradients of parameters accumulate, gradients of activations overwrite.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned.h"
#include "base/threads.h"
#include "model/decoder_layer.h"
#include "ops/attention_backward.h"

namespace tome {

/// Where the gradients of one layer's trained tensors are added to; null: not trained.
struct LoraGradient {
  float* a = nullptr;  // [rank][in]
  float* b = nullptr;  // [out][rank]
};
struct LayerGradient {
  std::array<LoraGradient, kMatrices.size()> lora{};  // by Matrix
  std::array<float*, kNorms.size()> norms{};          // by Norm: [D], of queries and keys [C]
};

/// What the backward pass of a layer reads.
template <typename T>
struct LayerBackwardInput {
  const T* x = nullptr;                     // [T][D], the layer's input
  std::span<const std::int64_t> positions;  // [T]
  std::span<const ops::KeyRange> visible;   // [T], this layer's
  std::span<const std::uint32_t> queries;   // [N] rows that went on after K and V, increasing; empty: all
  LayerTape<T> tape;                        // of those rows, overwritten; null: attention is computed again
};

template <typename T>
class LayerBackward {
 public:
  /// Borrows model and threads. At most `tokens` rows.
  LayerBackward(const Model& model, Threads& threads, std::size_t tokens);

  /// d [N][D]: gradient of the layer's output rows, overwritten. dx [T][D]: gradient of the layer's input (may be d
  /// when all rows are queries).
  void run(std::size_t index, const LayerAdapter* adapter, const LayerBackwardInput<T>& input, T* d, T* dx,
           const LayerGradient& gradient);

 private:
  struct Scratch {  // one thread's rows
    AlignedBuffer<T> gathered, normed, hidden, narrow, gate, up, product, d_product;
    AlignedBuffer<float> wide, branch, heads;
    LowRank<T> low_forward, low_backward;
    ops::Int8Rows unused;
    HeadRotation::Memory rotation;
    std::vector<float> gradient;  // of the layer's trained tensors, by places_
  };
  void pack(std::size_t index, const LayerAdapter* adapter);
  void place_gradients(const LayerGradient& gradient);
  void collect(const LayerGradient& gradient);
  template <typename Body>
  void for_blocks(std::size_t rows, const Body& body);

  void project(const LayerBackwardInput<T>& input);
  void attend(const LayerBackwardInput<T>& input);
  void after_attention(const LayerBackwardInput<T>& input, T* d, std::size_t first, std::size_t count, Scratch& s);
  void attention_backward();
  void before_attention(const LayerBackwardInput<T>& input, const T* d, T* dx);

  const T* query_rows(const LayerBackwardInput<T>& input, std::size_t first, std::size_t count, Scratch& s) const;
  void place_heads(Matrix m, const std::vector<std::int64_t>& positions, std::size_t first, std::size_t count,
                   const std::vector<float>& norm, T* out, Scratch& s);
  void heads_backward(Matrix m, const std::vector<std::int64_t>& positions, std::size_t first, std::size_t count,
                      float* heads, bool accumulate, float* to, Scratch& s);
  const T* branch_gradient(const T* d, const float* branch, Norm norm, std::size_t count, Scratch& s);
  template <typename Y>
  void linear_backward(Matrix m, const T* x, const T* dy, std::size_t count, bool accumulate, Y* dx, Scratch& s);
  float* norm_sums(Norm norm, Scratch& s) const;

  const Linear<T>& forward(Matrix m) const { return forward_[static_cast<std::size_t>(m)]; }
  const LayerWeights& weights() const { return model_.layer(index_); }

  const Model& model_;
  const ModelConfig& config_;
  Threads& threads_;
  ops::AttentionShape shape_;
  HeadRotation rotation_;
  std::size_t index_ = 0;
  std::array<Linear<T>, kMatrices.size()> forward_, backward_;
  std::array<float, kMatrices.size()> lora_scale_{};
  std::vector<std::int64_t> positions_, query_positions_;  // [T], [N]
  std::vector<ops::KeyRange> query_visible_;               // [N]
  AlignedBuffer<T> q_, k_, v_;                             // [N][H*C], [T][K*C]
  AlignedBuffer<T> attended_;                              // [N][H*C]
  AlignedBuffer<float> sums_;                              // [N][H]
  T* attention_output_ = nullptr;      // [N][H*C], of the tape or attended_: attention's output, then its gradient
  float* log_sum_exp_ = nullptr;       // [N][H]
  AlignedBuffer<float> delta_;         // [N][H]
  AlignedBuffer<float> dq_, dk_, dv_;  // as q, k, v
  AlignedBuffer<float> d_norm_;        // [T][D]: gradient of the first norm's output
  KvSequence<T> kv_;
  ops::AttentionBackward<T> attention_;
  std::vector<Scratch> scratch_;
  struct Places {  // offsets into Scratch::gradient: A [rank][in] and B^T [rank][out] of each matrix, then the norms
    std::array<std::size_t, kMatrices.size()> a{}, b{};
    std::array<bool, kMatrices.size()> lora{};
    std::array<std::size_t, kNorms.size()> norms{};
    std::array<bool, kNorms.size()> norm_trained{};
    std::size_t size = 0;
  } places_;
};

}  // namespace tome
