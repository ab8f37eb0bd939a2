// The flags of tome data build, and its way that asks a model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/eval_flags.h"
#include "data/row_source.h"
#include "data/written_questions.h"

namespace tome::cli {

struct BuildFlags {
  AnswererFlags answerer;
  std::string out, mix, tokens, depth = "0-1", books;
  std::vector<std::string> data, settings;
  std::int64_t rows = 0;
  data::BuildRequest request;
  bool json = false;

  std::vector<std::string> written_about;  // --write-questions
  data::WrittenOptions writing;
  std::string passages = "3", passage_tokens = "512";
};

/// "A-B" of --tokens, or "A" for both. Throws UserError.
std::pair<std::int64_t, std::int64_t> token_range(const std::string& text);

/// Questions that the model writes about texts; what needs no text is left out. Writes the rows, says how many fell at
/// which test.
void write_questions(const BuildFlags& flags);

}  // namespace tome::cli
