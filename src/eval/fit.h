// Samples that do not fit a model's window: an error, left out, or their documents' middles cut.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "eval/sample.h"
#include "text/tokenizer.h"

namespace tome::eval {

enum class TooLong { kError, kSkip, kCut };

/// "error", "skip", "cut"; throws UserError for anything else.
TooLong too_long(std::string_view name);

struct Fitted {
  EvalSet set;                       // the same samples; cut documents are shorter
  std::vector<std::size_t> skipped;  // samples not to be asked
};

/// Tokens of question, worked examples with the words around them, the answer's first words and the room for the
/// answer.
std::int64_t question_room(const std::function<std::int64_t(std::string_view)>& count_tokens, const EvalSample& sample);

/// Samples of a document must fit in `window` tokens: document, the longest question with its shots, room for the
/// answer and `frame` tokens for the words around. kCut takes as many tokens as needed out of the document's middle.
/// Throws UserError with kError, naming the longest; with kCut when a question alone does not fit.
Fitted fit_samples(EvalSet set, const Tokenizer& tokenizer, std::int64_t window, std::int64_t frame, TooLong policy);

}  // namespace tome::eval
