// The tensors of a GGUF file against the configuration that its metadata states.
#pragma once

#include <cstddef>
#include <vector>

#include "formats/gguf.h"
#include "model/config.h"

namespace tome {

/// V, from the shape of the embedding [V, D]. Throws UserError when there is none, or when the tokenizer has another
/// number of tokens.
std::size_t vocabulary_of(const GgufFile& gguf);

/// rope_freqs.weight [C / 2], empty when absent. Throws UserError for another shape or type, or a factor that is not a
/// plausible divisor.
std::vector<float> rope_factors_of(const GgufFile& gguf, std::size_t head_width);

/// Throws UserError for the first tensor that is missing, has another shape, or is used by no layer.
void check_tensors(const GgufFile& gguf, const ModelConfig& config);

}  // namespace tome
