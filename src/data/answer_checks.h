// Whether an answer is whole, and whether its document says it.
#pragma once

#include <string>
#include <string_view>

namespace tome::data {

/// The text holds these words, one after another, whatever white space is between them.
bool says(std::string_view document, std::string_view words);

/// Why an answer seems to be cut off; empty: it does not. It ends in an ellipsis that the document does not have there;
/// in a comma, a semicolon, a colon, a hyphen or an opening bracket; within a fenced block of code; or its last word is
/// only the beginning of a word, wherever its document has it (answers of three words or more).
std::string cut_reason(std::string_view document, std::string_view answer);

/// Behind its quotes, brackets and Markdown's marks an answer ends as a sentence does (. ! ? and what other scripts
/// have for them).
bool ends_sentence(std::string_view answer);

/// Between white space.
std::size_t count_words(std::string_view text);

}  // namespace tome::data
