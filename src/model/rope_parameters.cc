#include "model/rope_parameters.h"

#include <cmath>
#include <optional>

#include "base/error.h"

namespace tome {
namespace {

using nlohmann::json;

/// The llama3 scaling whose frequencies are theta's divided by `factors`: Meta published two.
std::optional<RopeScaling> llama3_of_factors(const ModelConfig& config) {
  constexpr double kTolerance = 1e-4;
  const std::vector<float>& factors = config.rope_scaling.frequency_factors;
  const Rope plain(config.head_width, config.rope_theta, {});
  for (const double factor : {8.0, 32.0}) {
    RopeScaling scaling;
    scaling.kind = RopeKind::kLlama3;
    scaling.factor = factor;
    scaling.original_context = 8192;
    const Rope scaled(config.head_width, config.rope_theta, scaling);
    bool same = true;
    for (std::size_t i = 0; i < factors.size() && same; ++i) {
      const auto ratio = static_cast<double>(plain.frequencies()[i]) / static_cast<double>(scaled.frequencies()[i]);
      same = std::fabs(ratio / static_cast<double>(factors[i]) - 1) <= kTolerance;
    }
    if (same) return scaling;
  }
  return std::nullopt;
}

json yarn_parameters(const RopeScaling& scaling) {
  json object = {{"rope_type", "yarn"},
                 {"factor", scaling.factor},
                 {"original_max_position_embeddings", scaling.original_context},
                 {"beta_fast", scaling.beta_fast},
                 {"beta_slow", scaling.beta_slow}};
  if (scaling.attention_factor != 0) object["attention_factor"] = scaling.attention_factor;
  if (scaling.mscale != 0) object["mscale"] = scaling.mscale;
  if (scaling.mscale_all_dim != 0) object["mscale_all_dim"] = scaling.mscale_all_dim;
  if (!scaling.truncate) object["truncate"] = false;
  return object;
}

json scaling_parameters(const RopeScaling& scaling) {
  switch (scaling.kind) {
    case RopeKind::kLinear:
      return {{"rope_type", "linear"}, {"factor", scaling.factor}};
    case RopeKind::kDynamicNtk:
      return {{"rope_type", "dynamic"}, {"factor", scaling.factor}};
    case RopeKind::kYarn:
      return yarn_parameters(scaling);
    case RopeKind::kLlama3:
      return {{"rope_type", "llama3"},
              {"factor", scaling.factor},
              {"low_freq_factor", scaling.low_frequency_factor},
              {"high_freq_factor", scaling.high_frequency_factor},
              {"original_max_position_embeddings", scaling.original_context}};
    default:
      return {{"rope_type", "default"}};
  }
}

}  // namespace

double stretched_theta(const ModelConfig& config) {
  if (config.rope_scaling.kind != RopeKind::kNtk) return config.rope_theta;
  const auto c = static_cast<double>(config.head_width);
  return config.rope_theta * std::pow(config.rope_scaling.factor, c / (c - 2));
}

std::int64_t max_positions(const ModelConfig& config) {
  const RopeScaling& scaling = config.rope_scaling;
  return scaling.kind == RopeKind::kDynamicNtk ? scaling.original_context : config.context_length;
}

json rope_parameters(const ModelConfig& config, const std::string& where) {
  RopeScaling scaling = config.rope_scaling;
  if (!scaling.frequency_factors.empty()) {
    const auto llama3 = scaling.kind == RopeKind::kNone ? llama3_of_factors(config) : std::nullopt;
    if (!llama3) {
      throw_user_error(where, ": RoPE frequency factors together with scaling ", to_string(scaling),
                       " cannot be said in a transformers configuration; keep the model as GGUF");
    }
    scaling = *llama3;
  }
  json global = scaling_parameters(scaling);
  global["rope_theta"] = stretched_theta(config);
  if (config.family == Family::kLlama) return global;
  return {{"full_attention", global},
          {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", config.rope_theta_sliding}}}};
}

}  // namespace tome
