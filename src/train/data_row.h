// One line of training data: which shape it has, and what it says. docs/training-data.md shows the shapes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "text/chat.h"

namespace tome {

enum class DataShape { kQuestion, kQuestions, kMessages, kConversations, kAlpaca, kText };
inline constexpr int kDataShapes = 6;
/// "question", "questions", "messages", "conversations", "alpaca", "text".
const char* to_string(DataShape shape);

/// What a row says of itself beside what is learned; what it does not say, or in another type, is empty.
struct RowMarks {
  std::string source;       // "source"
  std::string licence;      // "licence" or "license"
  std::string document_id;  // "document_id", "book_id", "story_id", "article_id" or "book"; of a number its digits
  bool extractive = false;  // "extractive": answers are words of the document
};

struct DataRow {
  enum class Kind {
    kQuestions,  // of one document, each by itself
    kChat,       // `document` is the system message, or empty; the exchanges follow one another
    kText,       // `document` is all there is
  };
  Kind kind = Kind::kText;
  std::string document;
  std::vector<QuestionAnswer> questions;
  DataShape shape = DataShape::kText;
  RowMarks marks{};
};

/// An answer, output or turn of the assistant that holds nothing.
class EmptyAnswer : public UserError {
 public:
  using UserError::UserError;
};

/// Reads a JSON object of a known shape. Line ends become LF and a BOM is dropped, as in documents; answers to
/// questions lose white space at both ends. Throws UserError `NAME: reason`: not UTF-8, not JSON, unknown or mixed
/// shapes, a wrong type, an empty text (an answer: EmptyAnswer), a NUL character, turns that do not alternate.
DataRow parse_row(std::string_view line, const std::string& name);

}  // namespace tome
