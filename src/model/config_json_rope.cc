#include "model/config_json_rope.h"

#include <string>

namespace tome {
namespace {

using nlohmann::json;

constexpr const char* kOriginal = "original_max_position_embeddings";

void read_yarn(JsonKeys& keys, std::int64_t positions, RopeScaling& scaling) {
  scaling.kind = RopeKind::kYarn;
  scaling.original_context = keys.find_integer(kOriginal, kContextLimits).value_or(positions);
  if (!keys.has("factor")) {  // DeepSeek's files state the two windows instead
    scaling.factor = static_cast<double>(positions) / static_cast<double>(scaling.original_context);
    if (!kFactorLimits.contain(scaling.factor)) keys.fail("factor", "is missing");
  }
  scaling.beta_fast = keys.find_number("beta_fast", kSmallFactorLimits).value_or(scaling.beta_fast);
  scaling.beta_slow = keys.find_number("beta_slow", kSmallFactorLimits).value_or(scaling.beta_slow);
  if (scaling.beta_fast <= scaling.beta_slow) keys.fail("beta_fast", "is not above beta_slow");
  scaling.attention_factor = keys.find_number("attention_factor", kSmallFactorLimits).value_or(0);
  scaling.mscale = keys.find_number("mscale", {0, kSmallFactorLimits.highest}).value_or(0);
  scaling.mscale_all_dim = keys.find_number("mscale_all_dim", {0, kSmallFactorLimits.highest}).value_or(0);
  scaling.truncate = keys.find_bool("truncate").value_or(true);
}

void read_llama3(JsonKeys& keys, std::int64_t positions, RopeScaling& scaling) {
  scaling.kind = RopeKind::kLlama3;
  scaling.original_context = keys.find_integer(kOriginal, kContextLimits).value_or(positions);
  const auto low = keys.find_number("low_freq_factor", kSmallFactorLimits);
  const auto high = keys.find_number("high_freq_factor", kSmallFactorLimits);
  if (!low) keys.fail("low_freq_factor", "is missing");
  if (!high || *high <= *low) keys.fail("high_freq_factor", "is missing or not above low_freq_factor");
  scaling.low_frequency_factor = *low;
  scaling.high_frequency_factor = *high;
}

/// `positions`: max_position_embeddings. The factor belongs to every kind but the plain one.
RopeScaling read_scaling(JsonKeys& keys, std::int64_t positions) {
  const auto old_type = keys.find_string("type");
  const auto type = keys.find_string("rope_type").value_or(old_type.value_or("default"));
  if (old_type && *old_type != type)
    keys.fail("type", "got ", in_quotes(*old_type), " beside rope_type ", in_quotes(type));
  RopeScaling scaling;
  if (type == "default") return scaling;
  const auto factor = keys.find_number("factor", kFactorLimits);
  scaling.factor = factor.value_or(1);
  if (type == "linear") {
    scaling.kind = RopeKind::kLinear;
  } else if (type == "dynamic") {
    scaling.kind = RopeKind::kDynamicNtk;
    scaling.original_context = positions;
  } else if (type == "yarn") {
    read_yarn(keys, positions, scaling);
  } else if (type == "llama3") {
    read_llama3(keys, positions, scaling);
  } else {
    keys.fail("rope_type", "got ", in_quotes(type), ", expected default, linear, dynamic, yarn or llama3");
  }
  if (!factor && scaling.kind != RopeKind::kYarn) keys.fail("factor", "is missing");
  return scaling;
}

/// Theta beside or inside the object of settings; inside wins in transformers, so they must agree.
double theta_of(JsonKeys& outer, const std::string& outer_key, JsonKeys& inner, double absent) {
  const auto outside = outer.find_number(outer_key, kThetaLimits),
             inside = inner.find_number("rope_theta", kThetaLimits);
  if (outside && inside && *outside != *inside) {
    outer.fail(outer_key, "got ", *outside, " and, in ", inner.prefix(), "rope_theta, ", *inside,
               ", expected one value");
  }
  return inside.value_or(outside.value_or(absent));
}

void finish(JsonKeys& settings) {
  settings.expect("partial_rotary_factor", 1);
  settings.ignore({"finetuned"});
  settings.refuse_unread();
}

const json kNothing = json::object();

/// The object with the settings under whichever key has it.
JsonKeys settings_of(JsonKeys& keys) {
  const json* parameters = keys.find_object("rope_parameters");
  const json* scaling = keys.find_object("rope_scaling");
  if (parameters != nullptr && scaling != nullptr)
    keys.fail("rope_scaling", "stands beside rope_parameters, expected one");
  if (parameters != nullptr) return {*parameters, keys.where(), keys.prefix() + "rope_parameters."};
  return {scaling != nullptr ? *scaling : kNothing, keys.where(), keys.prefix() + "rope_scaling."};
}

void read_global(JsonKeys& keys, JsonKeys& settings, double absent_theta, ModelConfig& config) {
  config.rope_theta = theta_of(keys, "rope_theta", settings, absent_theta);
  config.rope_scaling = read_scaling(settings, config.context_length);
  config.context_length = scaled_context(config.rope_scaling, config.context_length);
  finish(settings);
  keys.expect("partial_rotary_factor", 1);
}

}  // namespace

void read_llama_rope(JsonKeys& keys, ModelConfig& config) {
  JsonKeys settings = settings_of(keys);
  read_global(keys, settings, 1e4, config);
}

void read_gemma3_rope(JsonKeys& keys, ModelConfig& config) {
  constexpr double kGlobalTheta = 1e6, kLocalTheta = 1e4;
  JsonKeys settings = settings_of(keys);
  // transformers 5 has an object for each type of layer; before it, rope_scaling was the global layers' own.
  const bool by_type = keys.has("rope_parameters");
  const json* global = by_type ? settings.find_object("full_attention") : nullptr;
  const json* local = by_type ? settings.find_object("sliding_attention") : nullptr;
  JsonKeys global_keys(global != nullptr ? *global : kNothing, keys.where(), settings.prefix() + "full_attention.");
  JsonKeys local_keys(local != nullptr ? *local : kNothing, keys.where(), settings.prefix() + "sliding_attention.");
  read_global(keys, by_type ? global_keys : settings, kGlobalTheta, config);
  config.rope_theta_sliding = theta_of(keys, "rope_local_base_freq", local_keys, kLocalTheta);
  local_keys.expect("rope_type", "default");
  finish(local_keys);
  settings.refuse_unread();
}

}  // namespace tome
