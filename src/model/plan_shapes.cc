// Models whose shapes are known without their weights.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "formats/integer_groups.h"
#include "model/model.h"
#include "model/plan.h"

namespace tome {
namespace {

struct KnownShape {
  const char* name;
  Family family;
  std::size_t layers, width, heads, kv_heads, head_width, feed_forward, vocabulary;
  std::int64_t context, window;
  double theta;
  bool tied;
};

// From each model's config.json.
constexpr KnownShape kShapes[] = {
    {"gemma", Family::kGemma3, 18, 640, 4, 1, 256, 2048, 262144, 32768, 512, 1e6, true},
    {"smollm2", Family::kLlama, 30, 576, 9, 3, 64, 1536, 49152, 8192, 0, 1e5, true},
    {"llama-2-7b", Family::kLlama, 32, 4096, 32, 32, 128, 11008, 32000, 4096, 0, 1e4, false},
    {"llama-3.1-8b", Family::kLlama, 32, 4096, 32, 8, 128, 14336, 128256, 131072, 0, 5e5, false},
    {"llama-3.2-1b", Family::kLlama, 16, 2048, 32, 8, 64, 8192, 128256, 131072, 0, 5e5, true},
    {"llama-3.2-3b", Family::kLlama, 28, 3072, 24, 8, 128, 8192, 128256, 131072, 0, 5e5, true},
};

ModelConfig make_config(const KnownShape& s) {
  ModelConfig c;
  c.family = s.family;
  c.name = s.name;
  c.layers = s.layers, c.width = s.width, c.heads = s.heads, c.kv_heads = s.kv_heads, c.head_width = s.head_width;
  c.feed_forward = s.feed_forward, c.vocabulary = s.vocabulary;
  c.norm_epsilon = 1e-5f;
  c.context_length = s.context;
  c.sliding_window = s.window;
  for (std::size_t layer = 0; layer < s.layers; ++layer) c.sliding.push_back(s.window > 0 && (layer + 1) % 6 != 0);
  c.rope_theta = s.theta;
  c.rope_theta_sliding = 1e4;
  c.rope_layout = s.family == Family::kLlama ? RopeLayout::kPairs : RopeLayout::kHalves;
  c.attention_scale = static_cast<float>(1 / std::sqrt(static_cast<double>(s.head_width)));
  c.embedding_scale = s.family == Family::kGemma3 ? static_cast<float>(std::sqrt(static_cast<double>(s.width))) : 1.0f;
  c.tied_output = s.tied;
  return c;
}

}  // namespace

bool is_known_shape(const std::string& name) {
  return std::any_of(std::begin(kShapes), std::end(kShapes), [&](const KnownShape& s) { return name == s.name; });
}

PlanModel known_shape(const std::string& name) {
  std::string names;
  for (const KnownShape& shape : kShapes) {
    if (name == shape.name) {
      PlanModel model;
      model.config = make_config(shape);
      model.layer_bytes = byte_size(TensorType::kQ4_0, model.config.layer_parameters() / model.config.layers);
      model.embedding_bytes = byte_size(TensorType::kQ8_0, shape.vocabulary * shape.width);
      model.output_bytes = shape.tied ? 0 : model.embedding_bytes;
      model.directory_bytes = 30 * shape.vocabulary;  // as in the models measured
      return model;
    }
    names += cat(names.empty() ? "" : ", ", shape.name);
  }
  throw_user_error("no shape \"", name, "\"; known without weights: ", names);
}

PlanModel plan_model(const Model& model) {
  PlanModel plan;
  plan.config = model.config();
  for (std::size_t layer = 0; layer < plan.config.layers; ++layer) {
    std::uint64_t bytes = 0;
    for (std::size_t m = 0; m < kMatrices.size(); ++m) {
      const TensorView& weight = model.layer(layer).matrices[m];
      bytes += weight.data.size();
      plan.offsets[m] = plan.offsets[m] || has_offsets(weight.type);
    }
    plan.layer_bytes = std::max(plan.layer_bytes, bytes);
  }
  plan.embedding_bytes = model.embedding().data.size();
  plan.output_bytes = plan.config.tied_output ? 0 : model.output().data.size();
  if (model.gguf() != nullptr && !model.gguf()->tensors().empty()) {
    const auto& tensors = model.gguf()->tensors();
    const auto first = std::min_element(tensors.begin(), tensors.end(), [](const TensorView& a, const TensorView& b) {
      return a.data.data() < b.data.data();
    });
    plan.directory_bytes = static_cast<std::uint64_t>(first->data.data() - model.gguf()->file().bytes().data());
  }
  return plan;
}

}  // namespace tome
