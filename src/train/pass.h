// One example forward and backward: its loss and the gradients of what is trained.
//
// Letters: T tokens, D width, H heads, C head width.
#pragma once

#include <cstdint>
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
  double scale = 1;  // the loss is multiplied by it: 1 / target tokens of the whole accumulated step
};

struct PassResult {
  double loss = 0;  // sum over targets of -log p, in nats, not scaled
  std::size_t targets = 0;
};

/// Adds the gradients of scale * loss to `gradients` [layers] (and final_norm [D] unless null). T: bf16, or float for
/// references. adapters: LoRA pairs by layer, or empty. Throws UserError naming the example when it has no target.
template <typename T>
PassResult training_pass(const Model& model, Threads& threads, const TrainingExample& example,
                         std::span<const LayerAdapter> adapters, std::span<const LayerGradient> gradients,
                         const PassOptions& options, float* final_norm = nullptr);

}  // namespace tome
