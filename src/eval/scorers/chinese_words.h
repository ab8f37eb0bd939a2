// Words of a Chinese text as jieba 0.42 cuts them: what LongBench scores Chinese answers with. The package's dictionary
// and model decide where words end, so the package itself does it: Debian's python3-jieba, in a child process.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "eval/scorers/words.h"

namespace tome::eval {

class ChineseWords {
 public:
  /// Of these programs the first that has jieba is used.
  explicit ChineseWords(std::vector<std::filesystem::path> pythons = debian_then_path());
  ~ChineseWords();
  ChineseWords(const ChineseWords&) = delete;
  ChineseWords& operator=(const ChineseWords&) = delete;

  /// Starts the child at the first call (about two seconds). From any thread. Throws UserError when python3 or jieba is
  /// missing, or when the child ends or does not answer.
  Words split(std::string_view text);

 private:
  class Child;
  /// /usr/bin/python3, which Debian's packages belong to, then the python3 of PATH.
  static std::vector<std::filesystem::path> debian_then_path();

  std::vector<std::filesystem::path> pythons_;
  std::mutex one_at_a_time_;
  std::unique_ptr<Child> child_;
};

}  // namespace tome::eval
