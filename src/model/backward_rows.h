// The layer that goes backward: its input, its rows in blocks for the threads, and what each thread works with.
//
// Letters: T tokens, N query rows (T, or only the target rows in the last layer), D width, C head width.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned.h"
#include "base/threads.h"
#include "model/decoder_layer.h"
#include "model/head_rotation.h"
#include "model/layer_gradient.h"

namespace tome {

inline constexpr std::size_t kKeptMemory = std::size_t{64} << 20;  // larger buffers are not kept between their uses

template <typename T>
void let_go(AlignedBuffer<T>& buffer) {
  if (buffer.bytes() > kKeptMemory) buffer = {};
}

/// What the backward pass of a layer reads.
template <typename T>
struct LayerBackwardInput {
  const T* x = nullptr;                     // [T][D], the layer's input
  std::span<const std::int64_t> positions;  // [T]
  std::span<const ops::KeyRange> visible;   // [T], this layer's
  std::span<const std::uint32_t> queries;   // [N] rows that went on after K and V, increasing; empty: all
  /// Of those rows (keys and values: of all). attention_output is overwritten.
  LayerTape<T> tape;
};

/// One thread's.
template <typename T>
struct BackwardScratch {
  std::size_t stripe = 0;
  AlignedBuffer<T> gathered, normed, hidden, narrow, gate, up, product, d_product, dropped;
  AlignedBuffer<float> wide, branch, heads, head_gradient, low_gradient;
  LowRank<T> low_forward, low_backward;
  ops::Int8Rows unused;
  HeadRotation::Memory rotation;
};

template <typename T>
struct BackwardRows {
  /// Borrows model and threads.
  BackwardRows(const Model& model, Threads& threads);

  /// Takes a layer in hand; borrows what `pairs` (null: none) and `in` point to.
  void begin(std::size_t layer, const LayerAdapter* pairs, const LayerBackwardInput<T>& in);

  const LayerWeights& weights() const { return model.layer(index); }
  LoraPair lora(Matrix m) const { return adapter != nullptr ? (*adapter)[static_cast<std::size_t>(m)] : LoraPair{}; }
  std::size_t queries() const { return query_positions.size(); }

  /// body(first, count, scratch) for blocks of `count` rows, dealt to the threads in turn: which thread sums what does
  /// not depend on their speed.
  template <typename Body>
  void for_blocks(std::size_t count, const Body& body) {
    const std::size_t blocks = (count + kRowBlock - 1) / kRowBlock;
    threads.for_each(scratch.size(), [&](std::size_t stripe, int) {
      for (std::size_t b = stripe; b < blocks; b += scratch.size()) {
        body(b * kRowBlock, std::min(kRowBlock, count - b * kRowBlock), scratch[stripe]);
      }
    });
  }
  /// What the LoRA pair of `m` (of A's width) sees instead of x, the input of `seen`.size() rows; null: x itself.
  const T* low_input(Matrix m, std::span<const ops::KeyRange> seen, const T* x, BackwardScratch<T>& s) const;
  /// s.normed = the layer's first norm of x [count][D].
  void norm(const T* x, std::size_t count, BackwardScratch<T>& s) const;
  /// The input of query rows [first, first + count): in place, or gathered in s.
  const T* query_x(std::size_t first, std::size_t count, BackwardScratch<T>& s) const;

  const Model& model;
  const ModelConfig& config;
  Threads& threads;
  std::size_t index = 0;
  const LayerAdapter* adapter = nullptr;
  LayerBackwardInput<T> input;
  LoraDropout dropout;
  std::vector<std::int64_t> positions, query_positions;  // [T], [N]
  std::vector<ops::KeyRange> query_visible;              // [N]
  GradientSums gradients;
  std::vector<BackwardScratch<T>> scratch;
};

}  // namespace tome
