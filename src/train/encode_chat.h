// A conversation: encode_row for DataRow::Kind::kChat.
#pragma once

#include <string>

#include "train/encode_row.h"

namespace tome {

EncodedRow encode_chat_row(const DataRow& row, const std::string& name, const Tokenizer& tokenizer,
                           const Layout& layout, const EncodeOptions& options);

}  // namespace tome
