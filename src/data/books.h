// Stretches of real books, of a given length in tokens.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/choices.h"

namespace tome::data {

/// Paragraphs that follow one another.
struct Excerpt {
  std::string name;  // of the book that it begins in
  std::vector<std::string> paragraphs;
};

/// Paragraphs with an empty line between them.
std::string joined(const std::vector<std::string>& paragraphs);

/// Paragraphs of a text: what empty lines part. The header and the licence of Project Gutenberg's files are left out.
std::vector<std::string> paragraphs_of(std::string_view text);

class Books {
 public:
  /// Documents of a folder, by name. Throws UserError when there is none.
  Books(const std::filesystem::path& folder, std::function<std::int64_t(std::string_view)> count_tokens);

  /// A stretch from a random place, of `tokens` or somewhat less (by one paragraph at most); a book that is too short
  /// is followed by the next one. Throws UserError when all books together are shorter.
  Excerpt excerpt(std::int64_t tokens, eval::Choices& choices);

 private:
  struct Book {
    std::string name;
    std::vector<std::string> paragraphs;
    std::vector<std::int64_t> tokens;  // of each, with the empty line after it
    std::int64_t all = 0;
  };
  const Book& load(std::size_t index);

  std::vector<std::filesystem::path> paths_;
  std::function<std::int64_t(std::string_view)> count_tokens_;
  std::vector<std::pair<std::size_t, Book>> loaded_;  // the last ones
};

}  // namespace tome::data
