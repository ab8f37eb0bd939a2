// A model's RoPE as transformers' configuration states it.
#pragma once

#include <nlohmann/json.hpp>

#include "model/config.h"

namespace tome {

/// The object `rope_parameters` of transformers 5 (Gemma 3: one for each type of layer). Fixed NTK-aware scaling, which
/// transformers has no name for, becomes a larger rope_theta; frequency factors of a GGUF must be those of a llama3
/// scaling. Throws UserError beginning with `where` for RoPE that transformers cannot do.
nlohmann::json rope_parameters(const ModelConfig& config, const std::string& where);

/// max_position_embeddings that goes with it.
std::int64_t max_positions(const ModelConfig& config);

/// Theta of global layers, fixed NTK-aware scaling included: theta * s^(C / (C - 2)).
double stretched_theta(const ModelConfig& config);

}  // namespace tome
