// Whether an answer has one of the accepted ones in its first line. The rule is that of eval_sets/check.py, to the
// letter.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tome::eval {

/// What is compared: lower case, curly quotes straightened, underscores (Gutenberg's emphasis) dropped, runs of white
/// space as one blank and none at the ends. Bytes that are not UTF-8 become U+FFFD.
std::string fold_answer(std::string_view text);

/// `answer` stands in `text`, both folded, and not inside a longer word. An answer that folds to nothing stands
/// nowhere.
bool contains_answer(std::string_view text, std::string_view answer);

/// One of `accepted` stands in the first line of `output` that is not blank.
bool is_accepted(std::string_view output, std::span<const std::string> accepted);

}  // namespace tome::eval
