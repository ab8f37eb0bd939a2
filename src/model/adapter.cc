#include "model/adapter.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "model/tensor_names.h"

namespace tome {
namespace {

constexpr const char* kPrefix = "base_model.model.";

std::size_t product(const std::vector<std::size_t>& shape) {
  std::size_t n = 1;
  for (const std::size_t extent : shape) n *= extent;
  return n;
}

auto pairs_of(const AdapterSettings& settings) {
  return [settings](std::size_t, Matrix m) {
    return settings.matrices[static_cast<std::size_t>(m)] ? PairSettings{settings.rank, settings.alpha}
                                                          : PairSettings{};
  };
}

}  // namespace

float AdapterSettings::scale_of(std::size_t of_rank, double of_alpha) const {
  const auto r = static_cast<double>(of_rank);
  return static_cast<float>(of_alpha / (rank_stabilised ? std::sqrt(r) : r));
}

std::size_t AdapterTensor::size() const { return product(shape); }

std::array<std::size_t, 2> matrix_shape(const ModelConfig& config, Matrix m) {
  const std::size_t queries = config.heads * config.head_width;
  switch (m) {
    case Matrix::kQuery:
      return {queries, config.width};
    case Matrix::kKey:
    case Matrix::kValue:
      return {config.kv_heads * config.head_width, config.width};
    case Matrix::kOutput:
      return {config.width, queries};
    case Matrix::kGate:
    case Matrix::kUp:
      return {config.feed_forward, config.width};
    default:
      return {config.width, config.feed_forward};
  }
}

Adapter::Adapter(const ModelConfig& config, const AdapterSettings& settings,
                 const std::function<PairSettings(std::size_t, Matrix)>& choose)
    : settings_(settings), layers_(config.layers), places_(config.layers * kMatrices.size()) {
  TOME_CHECK(settings.rank > 0 && settings.rank <= kMostRank, settings.rank);
  norms_.resize(config.layers * kNorms.size());
  add_pairs(config, choose);
  add_trained_weights(config);
  values_ = AlignedBuffer<float>(total_);
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const Place& place = places_[i];
    if (!place.present) continue;
    layers_[i / kMatrices.size()][i % kMatrices.size()] = {values_.data() + place.a, values_.data() + place.b,
                                                           place.pair.rank,
                                                           settings_.scale_of(place.pair.rank, place.pair.alpha)};
  }
}

Adapter::Adapter(const ModelConfig& config, const AdapterSettings& settings, std::uint64_t seed)
    : Adapter(config, settings, pairs_of(settings)) {
  TOME_CHECK(!settings.norms && !settings.embeddings, "norms and embeddings begin as the model's");
  initialise_pairs(seed);
}

Adapter::Adapter(const Model& model, const AdapterSettings& settings, std::uint64_t seed)
    : Adapter(model.config(), settings, pairs_of(settings)) {
  initialise_pairs(seed);
  const auto copy = [&](const Range& range, const std::vector<float>& from) {
    if (range.size > 0) std::copy(from.begin(), from.end(), values_.data() + range.offset);
  };
  const auto unpack = [&](const Range& range, const TensorView& from) {
    if (range.size > 0) dequantize(from.type, from.data, values().subspan(range.offset, range.size));
  };
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    for (const Norm n : kNorms) copy(norm(layer, n), model.layer(layer)[n]);
  }
  copy(output_norm_, model.output_norm());
  unpack(embedding_, model.embedding());
  unpack(output_, model.output());
}

Adapter::Range Adapter::add_tensor(std::string name, std::vector<std::size_t> shape) {
  tensors_.push_back({kPrefix + std::move(name), std::move(shape), total_});
  const Range range{total_, tensors_.back().size()};
  total_ += range.size;
  return range;
}

void Adapter::add_pairs(const ModelConfig& config, const std::function<PairSettings(std::size_t, Matrix)>& choose) {
  for (std::size_t layer = 0; layer < config.layers; ++layer) {
    for (const Matrix m : kMatrices) {
      const PairSettings pair = choose(layer, m);
      if (pair.rank == 0) continue;
      TOME_CHECK(pair.rank <= kMostRank, pair.rank);
      const auto [out, in] = matrix_shape(config, m);
      const std::string module = cat("model.layers.", layer, ".", folder_name(m));
      Place& place = places_[layer * kMatrices.size() + static_cast<std::size_t>(m)];
      place.a = add_tensor(module + ".lora_A.weight", {pair.rank, in}).offset;
      place.b = add_tensor(module + ".lora_B.weight", {out, pair.rank}).offset;
      place.present = true;
      place.pair = pair;
    }
  }
}

void Adapter::add_trained_weights(const ModelConfig& config) {
  if (settings_.norms) {
    for (std::size_t layer = 0; layer < config.layers; ++layer) {
      for (const Norm n : kNorms) {
        const std::string_view name = folder_name(n, config.family);
        if (name.empty()) continue;
        norms_[layer * kNorms.size() + static_cast<std::size_t>(n)] =
            add_tensor(cat("model.layers.", layer, ".", name, ".weight"), {norm_width(config, n)});
      }
    }
    output_norm_ = add_tensor("model.norm.weight", {config.width});
  }
  if (settings_.embeddings) {
    embedding_ = add_tensor("model.embed_tokens.weight", {config.vocabulary, config.width});
    if (!config.tied_output) output_ = add_tensor("lm_head.weight", {config.vocabulary, config.width});
  }
}

void Adapter::initialise_pairs(std::uint64_t seed) {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (!places_[i].present) continue;
    const std::size_t size = places_[i].b - places_[i].a;  // B follows A
    const std::size_t in = size / places_[i].pair.rank;
    const float bound = 1 / std::sqrt(static_cast<float>(in));
    const RandomStream random(seed, i);
    for (std::size_t j = 0; j < size; ++j) {
      values_[places_[i].a + j] = bound * (2 * random.uniform(j) - 1);
    }
  }
  for (const AdapterTensor& tensor : tensors_) {
    if (tensor.name.ends_with(".lora_B.weight")) std::fill_n(values_.data() + tensor.offset, tensor.size(), 0.0f);
  }
}

std::size_t Adapter::largest_rank() const {
  std::size_t largest = 0;
  for (const Place& place : places_) largest = std::max(largest, place.present ? place.pair.rank : 0);
  return largest;
}

std::uint64_t Adapter::fingerprint() const {
  std::string shapes = cat(settings_.rank, ' ', settings_.scale());
  for (const AdapterTensor& tensor : tensors_) shapes += '\n' + tensor.name;
  for (const LayerAdapter& layer : layers_) {
    for (const LoraPair& pair : layer) {
      const bool usual = pair.rank == 0 || (pair.rank == settings_.rank && pair.scale == settings_.scale());
      if (!usual) shapes += cat('\n', pair.rank, ' ', pair.scale);
    }
  }
  return XXH3_64bits_withSeed(values_.data(), values_.bytes(), XXH3_64bits(shapes.data(), shapes.size()));
}

void use_trained_weights(const Adapter& adapter, Model& model) {
  if (adapter.settings().norms) {
    for (std::size_t layer = 0; layer < model.config().layers; ++layer) {
      for (const Norm n : kNorms) model.set_norm(layer, n, adapter.values(adapter.norm(layer, n)));
    }
    model.set_output_norm(adapter.values(adapter.output_norm()));
  }
  if (!adapter.settings().embeddings) return;
  model.set_embedding(adapter.values(adapter.embedding()));
  if (!model.config().tied_output) model.set_output(adapter.values(adapter.output()));
}

}  // namespace tome
