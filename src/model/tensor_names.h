// How GGUF files and Hugging Face folders (and with them PEFT) call a decoder layer's tensors.
#pragma once

#include <string_view>

#include "model/model.h"

namespace tome {

/// After "blk.N.", without ".weight": "attn_q".
std::string_view gguf_name(Matrix matrix);
/// After "model.layers.N.", without ".weight": "self_attn.q_proj".
std::string_view folder_name(Matrix matrix);

/// The same for norms; empty when the family has none of the kind.
std::string_view gguf_name(Norm norm, Family family);
std::string_view folder_name(Norm norm, Family family);

/// What a Hugging Face folder stores is the weight of the norm less this: Gemma's multiplies by 1 + weight.
inline float folder_norm_offset(Family family) { return family == Family::kGemma3 ? 1.0f : 0.0f; }

}  // namespace tome
