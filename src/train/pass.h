// One example forward and backward: its loss and the gradients of what is trained.
//
// Letters: T tokens, D width, V vocabulary.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

#include "base/threads.h"
#include "model/forward.h"
#include "model/layer_backward.h"
#include "train/example.h"
#include "train/kept.h"
#include "train/step_progress.h"

namespace tome {

struct PassOptions {
  Keep keep = Keep::kAttention;
  std::size_t chunk_rows = kDefaultChunkRows;
  std::uint64_t activation_bytes = UINT64_MAX;  // of what is kept, in memory; the rest goes to a file
  std::uint64_t head_group_bytes = kHeadGroupBytes;
  std::filesystem::path spill_folder = ".";  // where that file is
  /// After each layer, forward and backward: `done` of `all` of them.
  std::function<void(std::size_t done, std::size_t all)> after_layer = nullptr;
  LoraDropout dropout = {};
  double scale = 1;  // the loss is multiplied by it: 1 / target tokens of the whole accumulated step
};

struct PassResult {
  double loss = 0;  // sum over targets of -log p, in nats, not scaled
  std::size_t targets = 0;
  std::uint64_t spill_bytes = 0;
};

/// Where the gradients of a pass are added to; null: not trained.
struct PassGradients {
  std::span<const LayerGradient> layers;  // [layers]
  float* output_norm = nullptr;           // [D]
  float* embedding = nullptr;             // [V][D]
  float* output = nullptr;                // [V][D]; the embedding's, when they are one matrix
};

/// Adds the gradients of scale * loss. T: bf16, or float for references. adapters: LoRA pairs by layer, or empty.
/// progress: keeps everything that a later process needs to go on from the last layer done; or null. Throws UserError
/// naming the example when it has no target.
template <typename T>
PassResult training_pass(const Model& model, Threads& threads, const TrainingExample& example,
                         std::span<const LayerAdapter> adapters, const PassGradients& gradients,
                         const PassOptions& options, StepProgress* progress = nullptr);

/// The loss alone, of a held-out example.
template <typename T>
PassResult example_loss(const Model& model, Threads& threads, const TrainingExample& example,
                        std::span<const LayerAdapter> adapters, std::size_t chunk_rows = kDefaultChunkRows);

}  // namespace tome
