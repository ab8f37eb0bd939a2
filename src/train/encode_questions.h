// One document with its questions: encode_row for DataRow::Kind::kQuestions.
#pragma once

#include <string>

#include "train/encode_row.h"

namespace tome {

EncodedRow encode_questions(const DataRow& row, const std::string& name, const Tokenizer& tokenizer,
                            const Layout& layout, const EncodeOptions& options);

}  // namespace tome
