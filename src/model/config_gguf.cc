// Configuration from a GGUF file: the keys of its architecture's group, and the shapes of its tensors.
// Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md; what llama.cpp does where the page is silent.
#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/error.h"
#include "formats/printable.h"
#include "model/config.h"
#include "model/config_gguf_keys.h"
#include "model/config_limits.h"
#include "model/config_tensors.h"

namespace tome {
namespace {

/// Keys that change nothing here, and keys whose one harmless value says "not used".
void check_neutral_keys(ArchitectureKeys& keys) {
  for (const char* key : {"vocab_size", "tensor_data_layout", "rope.scaling.finetuned"}) keys.ignore(key);
  for (const char* key : {"expert_count", "expert_used_count", "expert_shared_count", "expert_feed_forward_length",
                          "leading_dense_block_count", "pooling_type"}) {
    keys.expect<std::int64_t>(key, 0);
  }
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping", "attention.clamp_kqv",
                          "attention.max_alibi_bias", "rope.scaling.yarn_log_multiplier"}) {
    keys.expect<double>(key, 0);
  }
  for (const char* key : {"logit_scale", "embedding_scale", "residual_scale"}) keys.expect<double>(key, 1);
  keys.expect<bool>("use_parallel_residual", false);
  keys.expect<bool>("attention.causal", true);
}

void read_shape(ArchitectureKeys& keys, const GgufFile& gguf, ModelConfig& config) {
  const auto size = [&](auto... arguments) { return static_cast<std::size_t>(keys.integer(arguments...)); };
  config.layers = size("block_count", kLayerLimits);
  config.width = size("embedding_length", kWidthLimits);
  config.heads = size("attention.head_count", kHeadLimits);
  config.kv_heads = size("attention.head_count_kv", kHeadLimits, static_cast<std::int64_t>(config.heads));
  config.feed_forward = size("feed_forward_length", kFeedForwardLimits);
  const auto head_width = static_cast<std::int64_t>(config.width / config.heads);
  if (!keys.has("attention.key_length") && config.width % config.heads != 0) {
    keys.fail("attention.head_count", "got ", config.heads, ", which does not divide embedding_length ", config.width);
  }
  config.head_width = size("attention.key_length", kHeadWidthLimits, head_width);
  for (const char* key : {"attention.value_length", "rope.dimension_count"}) {
    keys.expect(key, static_cast<std::int64_t>(config.head_width));
  }
  config.norm_epsilon = static_cast<float>(keys.number("attention.layer_norm_rms_epsilon", kEpsilonLimits));
  config.context_length = keys.integer("context_length", kContextLimits);
  config.vocabulary = vocabulary_of(gguf);
  config.tied_output = gguf.find_tensor("output.weight") == nullptr;
}

void read_yarn(ArchitectureKeys& keys, RopeScaling& scaling) {
  scaling.kind = RopeKind::kYarn;
  scaling.beta_fast = keys.number("rope.scaling.yarn_beta_fast", kSmallFactorLimits, scaling.beta_fast);
  scaling.beta_slow = keys.number("rope.scaling.yarn_beta_slow", kSmallFactorLimits, scaling.beta_slow);
  if (scaling.beta_fast <= scaling.beta_slow) keys.fail("rope.scaling.yarn_beta_fast", "is not above yarn_beta_slow");
  // llama.cpp multiplies the paper's factor by attn_factor.
  const double factor = keys.number("rope.scaling.attn_factor", kSmallFactorLimits, 1);
  if (factor != 1) scaling.attention_factor = factor * (0.1 * std::log(scaling.factor) + 1);
}

RopeScaling read_scaling(ArchitectureKeys& keys, std::int64_t context_length) {
  RopeScaling scaling;
  double linear = keys.find<double>("rope.scale_linear").value_or(1);  // the key before rope.scaling.factor
  const double factor = keys.find<double>("rope.scaling.factor").value_or(linear == 0 ? 1 : linear);
  const std::string_view type = keys.find<std::string_view>("rope.scaling.type").value_or("linear");
  scaling.factor = factor == 0 ? 1 : factor;  // 0 stands for "not set"
  if (!kFactorLimits.contain(scaling.factor)) keys.fail("rope.scaling.factor", "got ", factor, ", expected 1 to 1e6");
  const std::int64_t original = keys.integer("rope.scaling.original_context_length", kContextLimits, context_length);
  keys.expect<double>("rope.scaling.yarn_ext_factor", 1);
  keys.expect<double>("rope.scaling.yarn_attn_factor", 1);
  if (type == "yarn") {
    scaling.original_context = original;
    read_yarn(keys, scaling);
  } else if (type == "linear" || type == "none") {
    keys.expect<double>("rope.scaling.attn_factor", 1);
    for (const char* key : {"rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow"}) keys.ignore(key);
    if (type == "none") scaling.factor = 1;
    if (scaling.factor != 1) scaling.kind = RopeKind::kLinear;
  } else {
    keys.fail("rope.scaling.type", "got ", in_quotes(type), ", expected none, linear or yarn");
  }
  return scaling;
}

std::vector<bool> read_sliding_pattern(ArchitectureKeys& keys, std::size_t layers) {
  constexpr std::string_view kKey = "attention.sliding_window_pattern";
  if (const auto listed = keys.find_flags(kKey)) {
    if (listed->size() < layers) keys.fail(kKey, "got ", listed->size(), " entries for ", layers, " layers");
    return {listed->begin(), listed->begin() + static_cast<std::ptrdiff_t>(layers)};
  }
  const auto period = static_cast<std::size_t>(keys.integer(kKey, kLayerLimits, 6));
  std::vector<bool> sliding(layers);
  for (std::size_t layer = 0; layer < layers; ++layer) sliding[layer] = (layer + 1) % period != 0;
  return sliding;
}

void read_llama(ArchitectureKeys& keys, const GgufFile& gguf, ModelConfig& config) {
  config.family = Family::kLlama;
  config.rope_layout = RopeLayout::kPairs;
  config.rope_theta = keys.number("rope.freq_base", kThetaLimits, 10000);
  config.rope_scaling.frequency_factors = rope_factors_of(gguf, config.head_width);
  config.sliding.assign(config.layers, false);
  config.attention_scale = static_cast<float>(1 / std::sqrt(static_cast<double>(config.head_width)));
  keys.expect<std::int64_t>("attention.sliding_window", 0);
}

void read_gemma3(ArchitectureKeys& keys, ModelConfig& config) {
  config.family = Family::kGemma3;
  config.rope_layout = RopeLayout::kHalves;
  config.rope_theta = keys.number("rope.freq_base", kThetaLimits);
  config.rope_theta_sliding = keys.number("rope.freq_base_swa", kThetaLimits, 1e4);
  config.sliding_window = keys.integer("attention.sliding_window", kContextLimits);
  config.sliding = read_sliding_pattern(keys, config.layers);
  config.embedding_scale = static_cast<float>(std::sqrt(static_cast<double>(config.width)));
  // GGUF has no key for query_pre_attn_scalar: the head width in every Gemma 3 but the 27B, known by its 62 layers.
  const bool is_27b = config.layers == 62;
  const auto scalar = static_cast<double>(is_27b ? config.width / config.heads : config.head_width);
  config.attention_scale = static_cast<float>(1 / std::sqrt(scalar));
}

}  // namespace

ModelConfig read_config(const GgufFile& gguf) {
  const auto architecture = gguf.get<std::string_view>("general.architecture");
  const std::string where = gguf.file().path().string();
  if (architecture != "llama" && architecture != "gemma3") {
    throw_user_error(where, ": metadata key 'general.architecture': got ", in_quotes(architecture),
                     ", expected llama or gemma3 (the families that tome can run)");
  }
  ModelConfig config;
  ArchitectureKeys keys(gguf, architecture);
  config.name = plain_name(gguf.find<std::string_view>("general.name").value_or(""));
  read_shape(keys, gguf, config);
  config.rope_scaling = read_scaling(keys, config.context_length);
  config.context_length = scaled_context(config.rope_scaling, config.context_length);
  if (architecture == "llama") {
    read_llama(keys, gguf, config);
  } else {
    read_gemma3(keys, config);
  }
  check_neutral_keys(keys);
  keys.refuse_unread();
  check_config(config, where);
  check_tensors(gguf, config);
  return config;
}

}  // namespace tome
