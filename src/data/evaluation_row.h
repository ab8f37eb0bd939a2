// Lines of evaluation sets, for comparison with training rows.
#pragma once

#include <string>
#include <string_view>

#include "train/data_row.h"

namespace tome::data {

/// One pair of question and answer for each answer that is accepted:
///   {"question": "...", "answers": ["...", "..."]}           the question sets of tome eval; the text's name is in
///                                                            "book", "text" or "document_id", the text elsewhere
///   {"context": "...", "input": "...", "answers": ["..."]}   LongBench; without a question the pairs are the answers
/// Any other line is a training row. Throws UserError as parse_row.
DataRow parse_evaluation_row(std::string_view line, const std::string& name);

}  // namespace tome::data
