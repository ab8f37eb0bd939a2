// AdamW (arXiv 1711.05101) over flat f32 arrays, as torch.optim.AdamW computes it:
//
//   w -= rate * decay * w
//   m += (1 - beta1) (g - m)          v = beta2 v + (1 - beta2) g^2
//   w -= rate / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + epsilon)
//
// Moments in f32 or in 8 bits: train/dynamic_code.h, blocks of 256 that begin anew in every tensor, as in bitsandbytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "base/scratch_memory.h"
#include "base/threads.h"
#include "model/adapter.h"

namespace tome {

struct AdamwSettings {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
  bool eight_bit = false;             // moments of tensors with at least `least_8bit` numbers
  std::size_t least_8bit = 4096;      // bitsandbytes' min_8bit_size
  std::filesystem::path page_folder;  // of the unnamed file that holds the moments; empty: ordinary memory

  /// Throws UserError naming the setting that is out of range.
  void check() const;
};

/// Numbers [offset, offset + size) of the flat arrays; `decays`: weight decay applies.
struct OptimizedTensor {
  std::size_t offset = 0;
  std::size_t size = 0;
  bool decays = true;
};

/// All but vectors (norms) decay.
std::vector<OptimizedTensor> optimized_tensors(std::span<const AdapterTensor> tensors);

/// sqrt(sum of squares) in double, the same for every thread count; not finite when a number is not.
double global_norm(std::span<const float> gradients, Threads& threads);

/// What gradients of norm `norm` are multiplied by so that it is at most `largest`, as torch's clip_grad_norm_ has it;
/// 1 when `largest` is 0 (no clipping).
double clip_factor(double norm, double largest);

class AdamW {
 public:
  /// Moments are zero. Throws UserError when the moments do not fit the disk of the page folder.
  AdamW(std::vector<OptimizedTensor> tensors, const AdamwSettings& settings, Threads& threads);

  /// Bytes of the moments.
  static std::size_t state_bytes(std::span<const OptimizedTensor> tensors, const AdamwSettings& settings);

  /// One update of `values` with gradients * gradient_scale (clipping, 1 / target tokens of the accumulated step). All
  /// gradients finite: the caller has looked at global_norm(). The same bits for every thread count.
  void step(std::span<float> values, std::span<const float> gradients, double learning_rate, double gradient_scale);

  /// Updates done.
  std::int64_t steps() const { return steps_; }

  /// All moments as they are kept, for the checkpoint; restore() takes them back.
  std::span<const std::byte> state() const { return memory_.bytes(); }
  void restore(std::span<const std::byte> state, std::int64_t steps);

 private:
  struct Work {  // numbers that one thread updates in one go
    std::size_t tensor, begin, end;
  };

  AdamwSettings settings_;
  std::vector<OptimizedTensor> tensors_;
  std::vector<std::size_t> places_;  // [tensors] where their moments begin in memory_
  std::vector<Work> work_;
  Threads& threads_;
  ScratchMemory memory_;
  std::int64_t steps_ = 0;
};

}  // namespace tome
