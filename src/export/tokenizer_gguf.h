// A Hugging Face folder's tokenizer as a GGUF's tokenizer.* keys.
#pragma once

#include <filesystem>

#include "formats/gguf_writer.h"
#include "model/config.h"

namespace tome {

/// Adds tokenizer.ggml.* and tokenizer.chat_template from the folder's tokenizer.json (+ tokenizer_config.json). Ids
/// that the tokenizer leaves out are filled up to the model's vocabulary. Throws UserError for a tokenizer that tome
/// cannot read, or that has more pieces than the model.
void add_tokenizer_keys(GgufWriter& writer, const std::filesystem::path& folder, const ModelConfig& config);

}  // namespace tome
