// Questions that a model writes about long texts, of which those are kept that need the text: the model answers them
// with all of it, but neither without it nor from the passages that a search finds.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data/row_source.h"
#include "eval/answerer.h"

namespace tome::data {

struct WrittenText {
  std::string name, text, licence;
};

struct WrittenOptions {
  std::int64_t questions = 8;               // asked for, of each text
  std::int64_t answer_tokens = 48;          // room for an answer
  double right = 0.5;                       // least score of an answer that counts as right
  std::atomic<bool> const* stop = nullptr;  // null: never
};

/// The passages of a text that a question finds, best first, joined: what the answerer sees in place of the text.
using Passages = std::function<std::string(std::string_view text, std::string_view question)>;
/// 0 wrong .. 1 right: such as token F1.
using AnswerScore = std::function<double(std::string_view expected, std::string_view said)>;

struct WrittenResult {
  std::vector<BuiltRow> rows;  // one of each text that a question was kept of, without tokens
  std::int64_t proposed = 0;
  std::int64_t not_confirmed = 0;  // the whole text gave another answer
  std::int64_t known_without = 0;  // the model knew it without the text
  std::int64_t found_in_passages = 0;
  std::int64_t failed = 0;  // no answer came
};

/// "Question ... | Answer ..." a line, as the model is asked to write them; numbers and bullets before it are dropped,
/// and so are lines without both and questions that come twice.
std::vector<BuiltQuestion> parse_proposals(std::string_view said);

/// Asks `answerer` four times of each text: for questions, then the questions with the text, without it, with passages;
/// later rounds only for what is left. Throws UserError when it does; a stop leaves what is whole.
WrittenResult write_questions(const std::vector<WrittenText>& texts, eval::Answerer& answerer, const Passages& passages,
                              const AnswerScore& score, const WrittenOptions& options);

}  // namespace tome::data
