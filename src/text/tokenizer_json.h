// Tokenizers from the text of Hugging Face's tokenizer.json. https://huggingface.co/docs/tokenizers
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "text/tokenizer.h"

namespace tome {

/// `config` is the text of tokenizer_config.json, or empty; `where` begins the messages of errors. Whatever the file
/// asks for that would change ids and is not known is a UserError naming it.
std::unique_ptr<Tokenizer> make_json_tokenizer(std::string_view tokenizer, std::string_view config,
                                               const std::string& where);

}  // namespace tome
