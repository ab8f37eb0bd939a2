// Room for the gradients of an adapter's pairs, laid out as Adapter::values().
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "model/adapter.h"
#include "train/pass.h"

namespace tome {

class AdapterGradients {
 public:
  explicit AdapterGradients(const Adapter& adapter)
      : values_(adapter.values().size()), layers_(adapter.layers().size()) {
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      for (const Matrix m : kMatrices) {
        const Adapter::Place& place = adapter.place(layer, m);
        if (!place.present) continue;
        layers_[layer].lora[static_cast<std::size_t>(m)] = {values_.data() + place.a, values_.data() + place.b};
      }
    }
  }

  PassGradients pass() const { return {.layers = layers_}; }
  std::span<const float> values() const { return values_; }
  std::span<const float> of(const AdapterTensor& tensor) const {
    return values().subspan(tensor.offset, tensor.size());
  }
  void clear() { std::fill(values_.begin(), values_.end(), 0.0f); }

 private:
  std::vector<float> values_;
  std::vector<LayerGradient> layers_;
};

/// Ids at positions 0, 1, ..., each seeing all before it.
inline TrainingExample plain_example(std::vector<TokenId> ids, std::vector<std::int32_t> targets) {
  TrainingExample e;
  e.name = "plain";
  e.positions = consecutive_positions(0, ids.size());
  e.visible = causal_ranges(0, ids.size(), 0);
  e.ids = std::move(ids);
  e.targets = std::move(targets);
  return e;
}

}  // namespace tome
