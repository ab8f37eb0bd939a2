// The tests of a NoLiMa needle set: a sentence for the book, a question to it, and the answers, which share no words.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tome::eval {

struct NolimaTest {
  std::string id;                       // "0401-T02-onehop"
  std::string needle;                   // may hold {CHAR}, the name that is to be found
  std::string distractor;               // likewise put into the book; empty: none
  std::string question;                 // whole, as it follows the book
  std::vector<std::string> answers;     // empty: the name
  std::vector<std::string> characters;  // for {CHAR}
};

/// All tests of a file like needle_set.json. Throws UserError (file, line, reason).
std::vector<NolimaTest> read_nolima_tests(const std::filesystem::path& file);

}  // namespace tome::eval
