// From a document to what is read: the layout's frame around its tokens, cut to the window when the user said how.
#pragma once

#include <cstdint>
#include <string>

#include "read/session.h"
#include "text/document.h"
#include "text/layout.h"
#include "text/tokenizer.h"

namespace tome::cli {

/// What decides the tokens of a reading besides document, tokenizer and model.
struct InputOptions {
  std::string cut;             // "", "middle", "end", "random-middle"
  std::uint64_t cut_seed = 0;  // for random-middle
  std::int64_t reserve = 512;  // tokens of the window kept for question and answer
  std::string first_question;  // --question-first: stands before the document too; else empty
};

struct Cut {
  std::int64_t tokens = 0;
  std::int64_t characters = 0;
};

/// A hash of everything that decides the tokens but the tokenizer.
std::uint64_t hash_input(const Document& document, const Layout& layout, const InputOptions& options,
                         std::int64_t window);

/// BOS, the frame and the document's tokens. Throws UserError with the ways out when they are more than the window less
/// the reserve and no cut is asked for. `model`: for the message.
ReadingInput make_input(const Document& document, const Tokenizer& tokenizer, const Layout& layout,
                        const InputOptions& options, std::int64_t window, const std::string& model, Cut* cut);

}  // namespace tome::cli
