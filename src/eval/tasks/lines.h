// Line retrieval: a long list of lines "key: number", and the number of one key is asked for. The task is that of
// LongEval (Li et al., "How long can open-source LLMs truly promise on context length?", 2023).
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/choices.h"
#include "eval/task.h"
#include "eval/tasks/cells.h"
#include "eval/tasks/random_texts.h"

namespace tome::eval {

/// How a list and the questions to it are said; "{key}" and "{value}" stand for a line's own.
struct LineWording {
  std::string_view intro;  // before the list, with its line ends; may be empty
  std::string_view line;
  std::string_view question;
};

/// The wording that is measured with; training data uses none like it.
const LineWording& measured_line_wording();
std::span<const LineWording> training_line_wordings();

struct ListedLine {
  std::string key, value;
};

/// A list without end: every line has a key and a five-digit number (seven digits from line 40,000 on) of its own.
class LineList {
 public:
  LineList(Choices& choices, const LineWording& wording, KeyShare share);

  const ListedLine& line(std::size_t index);
  /// Intro and the first `count` lines, then an empty line.
  std::string text(std::size_t count);
  std::string question(std::size_t index) { return fill_in(wording_.question, {{"key", line(index).key}}); }

 private:
  Choices& choices_;
  LineWording wording_;
  KeyShare share_;
  Unseen keys_, values_;
  std::vector<ListedLine> lines_;
};

/// How many lines of `list` give a text of at most `tokens`, and of a line's tokens less at most; 0: not even one.
std::size_t lines_that_fit(LineList& list, std::int64_t tokens, const CountTokens& count_tokens);

/// LongEval's own file, a JSON object a line: prompt, expected_number, correct_line, random_idx [key, line], num_lines.
/// Document and question together are the prompt. Throws UserError: `FILE:N: reason`.
EvalSet read_longeval_lines(const TaskRequest& request, const std::filesystem::path& path);

}  // namespace tome::eval
