// Gradients of one layer's trained tensors: where they go, and the sums that threads build up before.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "model/decoder_layer.h"

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

/// One sum for each stripe of rows. A stripe's rows do not depend on the threads' speed, nor does the total.
class GradientSums {
 public:
  /// Borrows the configuration.
  GradientSums(const ModelConfig& config, std::size_t stripes);

  /// All zero, for what `gradient` asks of a layer with this adapter (null: none).
  void start(const LayerGradient& gradient, const LayerAdapter* adapter);
  bool has_lora(Matrix m) const { return lora_[static_cast<std::size_t>(m)].trained; }
  float* a(std::size_t stripe, Matrix m);             // [rank][in]
  float* b_transposed(std::size_t stripe, Matrix m);  // [rank][out], not yet scaled
  float* norm(std::size_t stripe, Norm n);            // null: not trained
  /// Adds the stripes up, in order.
  void add_to(const LayerGradient& gradient) const;

 private:
  struct LoraPlace {
    bool trained = false;
    std::size_t a = 0, b = 0, rank = 0;
    float scale = 0;
  };
  struct NormPlace {
    bool trained = false;
    std::size_t begin = 0;
  };

  const ModelConfig& config_;
  std::array<LoraPlace, kMatrices.size()> lora_;
  std::array<NormPlace, kNorms.size()> norms_;
  std::vector<std::vector<float>> sums_;  // [stripes]
};

}  // namespace tome
