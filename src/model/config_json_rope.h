// RoPE settings of a config.json: "rope_parameters" of transformers 5, or "rope_theta", "rope_scaling" and
// "rope_local_base_freq" of the versions before it.
#pragma once

#include "model/config.h"
#include "model/config_json_keys.h"

namespace tome {

/// Set theta, scaling and context_length (which must hold max_position_embeddings). Throw UserError naming the key for
/// a scaling that tome does not know.
void read_llama_rope(JsonKeys& keys, ModelConfig& config);
/// Also theta of the sliding layers.
void read_gemma3_rope(JsonKeys& keys, ModelConfig& config);

}  // namespace tome
