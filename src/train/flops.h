// Floating-point operations of training passes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/config.h"
#include "ops/attention.h"
#include "train/example.h"
#include "train/kept.h"

namespace tome {

/// What a pass multiplies, whatever the model: tokens, rows that are a target, and (query, key) pairs that see each
/// other.
struct PassCounts {
  double tokens = 0, targets = 0;
  double global_pairs = 0, sliding_pairs = 0;                // of all rows
  double target_global_pairs = 0, target_sliding_pairs = 0;  // of target rows
};

PassCounts count_pass(const ModelConfig& config, const TrainingExample& example);
/// One text of `tokens`, the last `targets` of them targets.
PassCounts count_text(const ModelConfig& config, std::int64_t tokens, std::int64_t targets);

/// Operations of one pass that are really done, a multiply-add being two: forward, computed again, backward. LoRA's own
/// products (some percent) are left out.
double pass_flops(const ModelConfig& config, const PassCounts& counts, Keep keep);

}  // namespace tome
