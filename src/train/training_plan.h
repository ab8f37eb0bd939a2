// What training will take, before it starts: bytes, operations and seconds from the model's shapes, the settings and
// the number of threads alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/adapter.h"
#include "model/plan.h"
#include "train/flops.h"
#include "train/kept.h"
#include "train/pass.h"

namespace tome {

struct TrainingPlanOptions {
  std::int64_t tokens = 0;          // of the longest pass
  std::int64_t targets = 256;       // of them
  std::int64_t forward_tokens = 0;  // of the longest example that only goes forward: validation, sample answers; or 0
  std::int64_t data_bytes = 0;      // that the training set keeps about its examples
  std::size_t rank = 16;            // largest; 0: no LoRA pair
  std::uint64_t trained = 0;        // numbers
  std::uint64_t layer_trained = 0;  // of one layer
  bool eight_bit = true;            // moments
  int threads = 1;
  std::size_t chunk_rows = kDefaultChunkRows;
  Keep keep = Keep::kAttention;
  std::uint64_t activation_bytes = UINT64_MAX;
  std::uint64_t head_group_bytes = kHeadGroupBytes;
};

/// The options of an adapter's training.
TrainingPlanOptions plan_options(const ModelConfig& config, const AdapterSettings& adapter, std::int64_t tokens);
/// The same for one that is there, whose pairs may differ.
TrainingPlanOptions plan_options(const ModelConfig& config, const Adapter& adapter, std::int64_t tokens);

/// Sums of parts; sizes in bytes.
struct TrainingPlan {
  std::vector<PlanPart> always;                         // private memory
  std::vector<PlanPart> pass, forward, loss, backward;  // of a training pass, the last three never at one time
  std::vector<PlanPart> forward_alone;                  // of validation and sample answers, between training passes
  std::uint64_t peak_private = 0;
  std::uint64_t mapped = 0;  // optimizer's moments and a layer's weights: the system's to take
  std::uint64_t spill = 0;   // of the file
  double flops = 0;          // of one pass
};

TrainingPlan make_training_plan(const PlanModel& model, const TrainingPlanOptions& options);

/// The fastest schedule whose private memory is at most `memory` bytes: all activations in memory, attention's output
/// in memory, the same with the rest in a file, smaller head groups and chunks. Throws UserError with the nearest
/// settings that would fit (a larger --memory, or a shorter --context).
TrainingPlanOptions fit_training(const PlanModel& model, TrainingPlanOptions options, std::uint64_t memory);
/// The fastest schedule that keeps at most `options.activation_bytes` in memory.
TrainingPlanOptions fit_activations(const PlanModel& model, TrainingPlanOptions options);

/// Seconds of one pass, at the share of the peak that the kernels reach.
double pass_seconds(const TrainingPlan& plan, const MachineRates& rates);

}  // namespace tome
