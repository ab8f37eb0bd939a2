// One token at a time, after prefill: matrix-vector products straight from the stored blocks, attention split over
// keys.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/decoder_layer.h"
#include "ops/gemv.h"

namespace tome {

template <typename T>
class Decoder {
 public:
  /// Borrows everything. adapters: LoRA pairs by layer, or empty.
  Decoder(const Model& model, Threads& threads, bool exact, std::span<const LayerAdapter> adapters = {});

  /// Runs `token` at `position` through all layers, appending its K and V to kv(layer), and writes the logits [V] of
  /// the next token. The token's index in each layer's sequence is the sequence's size. `layer_done` is called when a
  /// layer will not be looked at again.
  void step(std::int32_t token, std::int64_t position, const std::function<KvSequence<T>&(std::size_t)>& kv,
            std::span<float> out, const std::function<void(std::size_t layer)>& layer_done = {});

 private:
  struct Product {
    Matrix matrix;
    std::vector<float>* out;
  };
  void multiply(std::size_t layer, std::span<const float> x, std::initializer_list<Product> products);
  void attend(std::size_t layer, std::int64_t position, KvSequence<T>& kv);
  void add_normed(std::span<const float> y, const std::vector<float>& norm);

  const Model& model_;
  const ModelConfig& config_;
  Threads& threads_;
  bool exact_;
  std::span<const LayerAdapter> adapters_;
  HeadRotation rotation_;
  HeadRotation::Memory rotation_memory_;
  std::vector<float> x_, normed_, q_, k_, v_, attended_, gate_, up_, out_;
  std::vector<T> narrow_q_, narrow_k_, narrow_v_;
  ops::GemvInput input_;
};

}  // namespace tome
