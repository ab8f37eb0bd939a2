#include "train/adapter_gradient.h"

#include <algorithm>

namespace tome {

AdapterGradient::AdapterGradient(const Adapter& adapter)
    : values_(adapter.values().size()), layers_(adapter.layers().size()) {
  const auto place = [&](const Adapter::Range& range) {
    return range.size > 0 ? values_.data() + range.offset : nullptr;
  };
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    for (const Matrix m : kMatrices) {
      const Adapter::Place& pair = adapter.place(layer, m);
      if (!pair.present) continue;
      layers_[layer].lora[static_cast<std::size_t>(m)] = {values_.data() + pair.a, values_.data() + pair.b};
    }
    for (const Norm n : kNorms) layers_[layer].norms[static_cast<std::size_t>(n)] = place(adapter.norm(layer, n));
  }
  output_norm_ = place(adapter.output_norm());
  embedding_ = place(adapter.embedding());
  output_ = adapter.output().size > 0 ? place(adapter.output()) : embedding_;  // one matrix when it is tied
}

PassGradients AdapterGradient::pass() const { return {layers_, output_norm_, embedding_, output_}; }

void AdapterGradient::clear() { std::fill(values_.begin(), values_.end(), 0.0f); }

}  // namespace tome
