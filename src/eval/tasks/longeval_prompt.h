// Prompts of LongEval's files, cut into the part that is read and the part that is asked.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "eval/tasks/json_rows.h"

namespace tome::eval {

/// (document, question) of a row's prompt, which begins the question with `mark` ("Now the record is over"): together
/// they are the prompt. Throws UserError when the mark is missing or nothing stands before it.
std::pair<std::string, std::string> split_longeval_prompt(const JsonRow& row, std::string_view mark);

}  // namespace tome::eval
