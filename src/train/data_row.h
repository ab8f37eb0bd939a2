// One line of training data: which shape it has, and what it says. docs/training-data.md shows the shapes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/chat.h"

namespace tome {

struct DataRow {
  enum class Kind {
    kQuestions,  // of one document, each by itself
    kChat,       // `document` is the system message, or empty; the exchanges follow one another
    kText,       // `document` is all there is
  };
  Kind kind = Kind::kText;
  std::string document;
  std::vector<QuestionAnswer> questions;
};

/// Reads a JSON object of a known shape. Line ends become LF and a BOM is dropped, as in documents; answers to
/// questions lose white space at both ends. Throws UserError `NAME: reason`: not UTF-8, not JSON, unknown or mixed
/// shapes, a wrong type, an empty text, a NUL character, turns that do not alternate.
DataRow parse_row(std::string_view line, const std::string& name);

}  // namespace tome
