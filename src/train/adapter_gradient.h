// The gradient of everything that an adapter trains, in one flat array laid out as Adapter::values().
#pragma once

#include <span>
#include <vector>

#include "model/adapter.h"
#include "train/pass.h"

namespace tome {

class AdapterGradient {
 public:
  /// All zero.
  explicit AdapterGradient(const Adapter& adapter);
  AdapterGradient(const AdapterGradient&) = delete;
  AdapterGradient& operator=(const AdapterGradient&) = delete;

  std::span<float> values() { return values_; }
  std::span<const float> values() const { return values_; }
  std::span<const float> of(const AdapterTensor& tensor) const {
    return values().subspan(tensor.offset, tensor.size());
  }
  /// Where a pass adds to it.
  PassGradients pass() const;
  void clear();

 private:
  std::vector<float> values_;
  std::vector<LayerGradient> layers_;  // into values_
  float* output_norm_ = nullptr;
  float* embedding_ = nullptr;
  float* output_ = nullptr;
};

}  // namespace tome
