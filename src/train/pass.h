// One example forward and backward: its loss and the gradients of what is trained.
//
// Letters: T tokens, D width, H heads, C head width.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "base/aligned.h"
#include "base/threads.h"
#include "model/forward.h"
#include "model/layer_backward.h"
#include "train/example.h"

namespace tome {

/// What the forward pass keeps of each layer.
enum class Keep {
  kInput,      // the layer's input: attention is computed again
  kAttention,  // also attention's output and log-sum-exp: 15 to 21 % fewer operations
};

struct PassOptions {
  Keep keep = Keep::kAttention;
  std::size_t chunk_rows = kDefaultChunkRows;
  std::uint64_t activation_bytes = UINT64_MAX;  // of what is kept, in memory; the rest goes to a file
  std::filesystem::path spill_folder = ".";     // where that file is
  double scale = 1;  // the loss is multiplied by it: 1 / target tokens of the whole accumulated step
};

struct PassResult {
  double loss = 0;  // sum over targets of -log p, in nats, not scaled
  std::size_t targets = 0;
  std::uint64_t spill_bytes = 0;
};

/// Floating-point operations of one pass, forward, computed again and backward (a multiply-add is two).
double pass_flops(const ModelConfig& config, const TrainingExample& example, Keep keep);

/// Adds the gradients of scale * loss to `gradients` [layers] (and final_norm [D] unless null). T: bf16, or float for
/// references. adapters: LoRA pairs by layer, or empty. Throws UserError naming the example when it has no target.
template <typename T>
PassResult training_pass(const Model& model, Threads& threads, const TrainingExample& example,
                         std::span<const LayerAdapter> adapters, std::span<const LayerGradient> gradients,
                         const PassOptions& options, float* final_norm = nullptr);

/// The loss alone, of a held-out example.
template <typename T>
PassResult example_loss(const Model& model, Threads& threads, const TrainingExample& example,
                        std::span<const LayerAdapter> adapters);

}  // namespace tome
