#include <cmath>

#include "base/error.h"
#include "formats/printable.h"
#include "model/config.h"
#include "model/config_limits.h"

namespace tome {
namespace {

/// Tokens of training before the scaling that a flag would replace. Llama 3.1's scaling is part of its training.
std::int64_t trained_window(const ModelConfig& config) {
  const RopeScaling& scaling = config.rope_scaling;
  if (scaling.kind == RopeKind::kNone || scaling.kind == RopeKind::kLlama3) return config.context_length;
  if (scaling.original_context > 0) return scaling.original_context;
  return static_cast<std::int64_t>(static_cast<double>(config.context_length) / scaling.factor);
}

/// What the model was trained with beneath any stretching: factors from its file, llama3's scaling as factors.
std::vector<float> trained_factors(const ModelConfig& config) {
  const RopeScaling& scaling = config.rope_scaling;
  if (scaling.kind != RopeKind::kLlama3) return scaling.frequency_factors;
  const Rope plain(config.head_width, config.rope_theta, {}), trained(config.head_width, config.rope_theta, scaling);
  std::vector<float> factors;
  for (std::size_t i = 0; i < config.head_width / 2; ++i) {
    factors.push_back(plain.frequencies()[i] / trained.frequencies()[i]);
  }
  return factors;
}

/// The model's own way of stretching, or its family's, just far enough. Factors go in quarters, so that texts of about
/// one length share a setting and with it their readings.
RopeScaling suitable_scaling(const ModelConfig& config, std::int64_t window, std::int64_t context) {
  RopeScaling scaling = config.rope_scaling;
  if (scaling.kind == RopeKind::kNone || scaling.kind == RopeKind::kLlama3) {
    scaling = {};
    scaling.kind = config.family == Family::kGemma3 ? RopeKind::kLinear : RopeKind::kYarn;
  }
  scaling.factor = std::ceil(4 * static_cast<double>(context) / static_cast<double>(window)) / 4;
  scaling.original_context = window;
  scaling.attention_factor = 0;  // it belonged to the former factor
  if (!kFactorLimits.contain(scaling.factor)) {
    throw_user_error("--context: got ", context, ", which no RoPE scaling makes of the model's ", window, " tokens");
  }
  return scaling;
}

std::int64_t reach_of(const RopeScaling& scaling, std::int64_t window) {
  if (scaling.kind == RopeKind::kNone) return window;
  return static_cast<std::int64_t>(static_cast<double>(scaling.original_context) * scaling.factor);
}

}  // namespace

std::string stretch_context(ModelConfig& config, std::int64_t context, const std::string& scaling_flag) {
  if (scaling_flag.empty() && context <= config.context_length) return "";
  const std::int64_t own = config.context_length, window = trained_window(config);
  RopeScaling wanted =
      scaling_flag.empty() ? suitable_scaling(config, window, context) : parse_rope_scaling(scaling_flag, window);
  const std::int64_t reach = reach_of(wanted, window);
  if (reach < context) {
    throw_user_error("--rope-scaling: ", in_quotes(scaling_flag), " reaches ", reach, " tokens and the context is ",
                     context, "; leave it out, or give a larger factor");
  }
  if (wanted.kind == RopeKind::kNone && trained_window(config) == own) return "";
  wanted.frequency_factors = trained_factors(config);
  if (wanted == config.rope_scaling && reach == own) return "";
  config.rope_scaling = wanted;
  config.context_length = reach;
  return cat("a window of ", reach, " tokens by RoPE scaling ", to_string(wanted), " (the model's own: ", own,
             " tokens)");
}

}  // namespace tome
