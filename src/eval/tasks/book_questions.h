// Question sets over books: JSON Lines, one question a row. eval_sets/README.md describes the fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tome::eval {

/// Bytes [begin, end) of a book's normalised text.
struct Excerpt {
  std::size_t begin = 0, end = 0;
  bool operator==(const Excerpt&) const = default;
};

struct BookQuestion {
  std::string place;               // "questions.jsonl:3", for messages
  std::string book;                // file name in the folder of books; empty: it is `text`
  std::string text;                // path relative to the question file, never out of its folder
  std::string sha256;              // of the book's normalised text (BookText::sha256); empty: any edition will do
  std::optional<Excerpt> excerpt;  // that is read; none: the whole book
  std::string question;
  std::vector<std::string> answers;   // at least one, none that folds to nothing
  std::optional<std::int64_t> where;  // byte of the normalised text at which the evidence stands
  std::string kind;                   // who, why, how, clue, ...; may be empty
};

/// All rows of a file, in order; blank lines are passed over. Throws UserError "FILE:LINE: reason" for a row that is
/// not as it must be, and when there is none.
std::vector<BookQuestion> read_book_questions(const std::filesystem::path& path);

}  // namespace tome::eval
