// What training changes: LoRA pairs of chosen linear layers and, when asked for, norms and embeddings; kept as a PEFT
// folder (adapter_config.json + adapter_model.safetensors).
// LoRA: arXiv 2106.09685. Rank-stabilised scale: arXiv 2312.03732. PEFT: https://github.com/huggingface/peft
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/aligned.h"
#include "model/config.h"
#include "model/decoder_layer.h"

namespace tome {

struct AdapterSettings {
  std::size_t rank = 16;
  double alpha = 32;
  double dropout = 0;            // of the input of A, while training
  bool rank_stabilised = false;  // scale alpha / sqrt(rank) instead of alpha / rank
  std::array<bool, kMatrices.size()> matrices{true, true, true, true, true, true, true};  // by Matrix
  bool norms = false;       // all norm weights are trained too (PEFT's modules_to_save)
  bool embeddings = false;  // the embedding too, and the output matrix where it is another one

  float scale() const;
  bool operator==(const AdapterSettings&) const = default;
};

/// One trained tensor: `name` as PEFT writes it ("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"),
/// its numbers at values()[offset, offset + product of shape).
struct AdapterTensor {
  std::string name;
  std::vector<std::size_t> shape;
  std::size_t offset = 0;

  std::size_t size() const;
};

/// All trained numbers in f32, one flat array, in the order of tensors(). Rows of q and k (B's rows) are in the order
/// of the model's own weights: a GGUF of the Llama family has them in pairs (RopeLayout::kPairs), PEFT's files in
/// halves; loading and saving reorder.
class Adapter {
 public:
  /// LoRA A as PEFT initialises it (uniform, bound 1 / sqrt(in)) from `seed`, B zero, so that nothing changes yet.
  Adapter(const ModelConfig& config, const AdapterSettings& settings, std::uint64_t seed);

  const AdapterSettings& settings() const { return settings_; }
  std::span<float> values() { return values_.span(); }
  std::span<const float> values() const { return values_.span(); }
  const std::vector<AdapterTensor>& tensors() const { return tensors_; }
  /// [layers]: the LoRA pairs, pointing into values().
  std::span<const LayerAdapter> layers() const { return layers_; }
  /// Where A and B of one linear layer begin in values(); both 0 size when it has none.
  struct Place {
    std::size_t a = 0, b = 0;
    bool present = false;
  };
  const Place& place(std::size_t layer, Matrix m) const {
    return places_[layer * kMatrices.size() + static_cast<std::size_t>(m)];
  }

 private:
  AdapterSettings settings_;
  std::vector<AdapterTensor> tensors_;
  AlignedBuffer<float> values_;
  std::vector<LayerAdapter> layers_;
  std::vector<Place> places_;
};

}  // namespace tome
