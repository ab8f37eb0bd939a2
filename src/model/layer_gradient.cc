#include "model/layer_gradient.h"

#include "model/adapter.h"

namespace tome {

GradientSums::GradientSums(const ModelConfig& config, std::size_t stripes) : config_(config), sums_(stripes) {}

void GradientSums::start(const LayerGradient& gradient, const LayerAdapter* adapter) {
  std::size_t size = 0;
  for (const Matrix m : kMatrices) {
    const auto i = static_cast<std::size_t>(m);
    const LoraPair pair = adapter != nullptr ? (*adapter)[i] : LoraPair{};
    lora_[i] = {pair.rank > 0 && gradient.lora[i].a != nullptr, 0, 0, pair.rank, pair.scale};
    if (!lora_[i].trained) continue;
    const auto [out, in] = matrix_shape(config_, m);
    lora_[i].a = size;
    lora_[i].b = size + pair.rank * in;
    size = lora_[i].b + pair.rank * out;
  }
  for (std::size_t n = 0; n < kNorms.size(); ++n) {
    norms_[n] = {gradient.norms[n] != nullptr, size};
    if (norms_[n].trained) size += norm_width(config_, static_cast<Norm>(n));
  }
  for (std::vector<float>& sum : sums_) sum.assign(size, 0.0f);
}

float* GradientSums::a(std::size_t stripe, Matrix m) {
  return sums_[stripe].data() + lora_[static_cast<std::size_t>(m)].a;
}

float* GradientSums::b_transposed(std::size_t stripe, Matrix m) {
  return sums_[stripe].data() + lora_[static_cast<std::size_t>(m)].b;
}

float* GradientSums::norm(std::size_t stripe, Norm n) {
  const NormPlace& place = norms_[static_cast<std::size_t>(n)];
  return place.trained ? sums_[stripe].data() + place.begin : nullptr;
}

void GradientSums::add_to(const LayerGradient& gradient) const {
  for (const std::vector<float>& sum : sums_) {
    for (const Matrix m : kMatrices) {
      const LoraPlace& place = lora_[static_cast<std::size_t>(m)];
      if (!place.trained) continue;
      const LoraGradient& to = gradient.lora[static_cast<std::size_t>(m)];
      const auto [out, in] = matrix_shape(config_, m);
      for (std::size_t n = 0; n < place.rank * in; ++n) to.a[n] += sum[place.a + n];
      for (std::size_t o = 0; o < out; ++o) {
        for (std::size_t k = 0; k < place.rank; ++k) {
          to.b[o * place.rank + k] += place.scale * sum[place.b + k * out + o];
        }
      }
    }
    for (std::size_t n = 0; n < kNorms.size(); ++n) {
      if (!norms_[n].trained) continue;
      for (std::size_t c = 0; c < norm_width(config_, static_cast<Norm>(n)); ++c)
        gradient.norms[n][c] += sum[norms_[n].begin + c];
    }
  }
}

}  // namespace tome
