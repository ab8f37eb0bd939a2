// A GGUF's tokenizer as the files of a Hugging Face folder.
#pragma once

#include <filesystem>
#include <string>

#include "formats/gguf.h"

namespace tome {

struct TokenizerFiles {
  std::string tokenizer_json, tokenizer_config_json;
};

/// Hugging Face's tokenizers give the same ids with it as tome with the GGUF. Throws UserError for a tokenizer that
/// tome cannot read.
TokenizerFiles make_tokenizer_files(const GgufFile& gguf);

}  // namespace tome
