// What training changes: LoRA pairs of chosen linear layers and, when asked for, norms and embeddings; kept as a PEFT
// folder (adapter_config.json + adapter_model.safetensors).
// LoRA: arXiv 2106.09685. Rank-stabilised scale: arXiv 2312.03732. PEFT: https://github.com/huggingface/peft
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/aligned.h"
#include "model/config.h"
#include "model/decoder_layer.h"

namespace tome {

inline constexpr std::size_t kMostRank = 65536;

struct AdapterSettings {
  std::size_t rank = 16;
  double alpha = 32;
  double dropout = 0;            // of the input of A, while training
  bool rank_stabilised = false;  // scale alpha / sqrt(rank) instead of alpha / rank
  std::array<bool, kMatrices.size()> matrices{true, true, true, true, true, true, true};  // by Matrix
  bool norms = false;       // all norm weights are trained too (PEFT's modules_to_save)
  bool embeddings = false;  // the embedding too, and the output matrix where it is another one

  float scale() const { return scale_of(rank, alpha); }
  float scale_of(std::size_t of_rank, double of_alpha) const;
  bool operator==(const AdapterSettings&) const = default;
};

/// One linear layer's pair; rank 0: none.
struct PairSettings {
  std::size_t rank = 0;
  double alpha = 0;

  bool operator==(const PairSettings&) const = default;
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
  /// LoRA alone: norms and embeddings begin as the model's.
  Adapter(const ModelConfig& config, const AdapterSettings& settings, std::uint64_t seed);
  /// The same, with norms and embeddings too where the settings ask for them.
  Adapter(const Model& model, const AdapterSettings& settings, std::uint64_t seed);
  /// Shapes only, values() uninitialised: what a loader fills. `choose`: the pair of each linear layer.
  Adapter(const ModelConfig& config, const AdapterSettings& settings,
          const std::function<PairSettings(std::size_t layer, Matrix)>& choose);

  const AdapterSettings& settings() const { return settings_; }
  /// Of a further training; nothing else of the settings can change.
  void set_dropout(double dropout) { settings_.dropout = dropout; }
  std::span<float> values() { return values_.span(); }
  std::span<const float> values() const { return values_.span(); }
  const std::vector<AdapterTensor>& tensors() const { return tensors_; }
  /// [layers]: the LoRA pairs, pointing into values().
  std::span<const LayerAdapter> layers() const { return layers_; }
  /// Where A and B of one linear layer begin in values(); both 0 size when it has none.
  struct Place {
    std::size_t a = 0, b = 0;
    bool present = false;
    PairSettings pair;  // settings() but for what PEFT calls rank_pattern and alpha_pattern
  };
  const Place& place(std::size_t layer, Matrix m) const {
    return places_[layer * kMatrices.size() + static_cast<std::size_t>(m)];
  }

  /// Of its pairs, which need not be settings().rank; 0: it has none.
  std::size_t largest_rank() const;

  /// Where a trained norm or embedding lies in values(); size 0 when it is not trained (or the family has no such
  /// norm). Norms are what normed rows are multiplied by, whatever the family's files store.
  struct Range {
    std::size_t offset = 0, size = 0;
  };
  const Range& norm(std::size_t layer, Norm n) const {
    return norms_[layer * kNorms.size() + static_cast<std::size_t>(n)];
  }
  const Range& output_norm() const { return output_norm_; }  // [D]
  const Range& embedding() const { return embedding_; }      // [V][D]; the output matrix too, when it is tied
  const Range& output() const { return output_; }            // [V][D], when it is not
  std::span<const float> values(const Range& range) const { return values().subspan(range.offset, range.size); }

  /// A hash of everything that changes what a model computes; part of a reading's key.
  std::uint64_t fingerprint() const;

 private:
  Range add_tensor(std::string name, std::vector<std::size_t> shape);
  void add_pairs(const ModelConfig& config, const std::function<PairSettings(std::size_t, Matrix)>& choose);
  void add_trained_weights(const ModelConfig& config);
  void initialise_pairs(std::uint64_t seed);

  AdapterSettings settings_;
  std::vector<AdapterTensor> tensors_;
  AlignedBuffer<float> values_;
  std::vector<LayerAdapter> layers_;
  std::vector<Place> places_;
  std::vector<Range> norms_;  // [layers][kNorms]
  Range output_norm_, embedding_, output_;
  std::size_t total_ = 0;
};

/// Makes the model use the adapter's norms (copied: call it again when they change) and embeddings (borrowed).
void use_trained_weights(const Adapter& adapter, Model& model);

/// [out, in] of a linear layer.
std::array<std::size_t, 2> matrix_shape(const ModelConfig& config, Matrix m);

}  // namespace tome
