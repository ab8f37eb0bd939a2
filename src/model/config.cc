#include "model/config.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/config_limits.h"

namespace tome {

std::size_t ModelConfig::layer_parameters() const {
  const std::size_t attention = 2 * width * head_width * (heads + kv_heads);
  return layers * (attention + 3 * width * feed_forward);
}

void check_config(const ModelConfig& config, const std::string& where) {
  if (config.head_width % 2 != 0) {
    throw_user_error(where, ": head width: got ", config.head_width, ", expected an even number (RoPE rotates pairs)");
  }
  if (config.heads % config.kv_heads != 0) {
    throw_user_error(where, ": got ", config.heads, " heads and ", config.kv_heads,
                     " key-value heads, expected a whole number of heads for each key-value head");
  }
  TOME_CHECK(config.sliding.size() == config.layers, config.sliding.size());
  const std::size_t factors = config.rope_scaling.frequency_factors.size();
  TOME_CHECK(factors == 0 || factors == config.head_width / 2, factors);
}

std::int64_t scaled_context(const RopeScaling& scaling, std::int64_t stated) {
  const bool stretches = scaling.kind != RopeKind::kNone && scaling.kind != RopeKind::kLinear;
  if (!stretches) return stated;
  const double stretched = std::floor(static_cast<double>(scaling.original_context) * scaling.factor);
  return std::max(stated, static_cast<std::int64_t>(std::min(stretched, static_cast<double>(kContextLimits.highest))));
}

std::string plain_name(std::string_view name) {
  constexpr std::size_t kLongest = 100;
  std::string plain(name.substr(0, kLongest));
  std::replace_if(
      plain.begin(), plain.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return plain;
}

}  // namespace tome
