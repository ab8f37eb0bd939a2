// Questions that a model writes about long texts, of which those are kept that need the text: the model answers them
// with all of it, but neither without it nor from the passages that a search finds.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/row_source.h"
#include "data/written_texts.h"
#include "eval/answerer.h"

namespace tome::data {

struct WrittenOptions {
  std::int64_t questions = 4;       // asked for, of each text
  std::int64_t answer_tokens = 48;  // room for an answer
  double right = 0.5;               // least score of an answer that counts as right
};

/// Room for the questions of a text with their answers.
std::int64_t proposal_tokens(const WrittenOptions& options);

/// The same samples in the same order, with what a search finds of their documents (eval::with_passages).
using Passages = std::function<eval::EvalSet(const eval::EvalSet&)>;
/// 0 wrong .. 1 right: such as answer_score.
using AnswerScore = std::function<double(std::string_view expected, std::string_view said)>;

/// 1 when the expected answer stands in the first line, else token F1 (eval/scorers).
double answer_score(std::string_view expected, std::string_view said);

struct Proposals {
  std::vector<BuiltQuestion> questions;
  std::int64_t unusable = 0;  // lines without a question or an answer, and questions that come twice
};

/// "Question ... | Answer ..." a line, as the model is asked to write them; numbers and bullets before it are dropped,
/// and so are lines of nothing else.
Proposals parse_proposals(std::string_view said);

/// What became of the lines that the model wrote: each is counted once.
struct WrittenCounts {
  std::int64_t unusable = 0;           // Proposals::unusable
  std::int64_t known_without = 0;      // the model knew the answer without the text
  std::int64_t found_in_passages = 0;  // passages gave the answer
  std::int64_t not_confirmed = 0;      // the whole text gave another answer
  std::int64_t kept = 0;
  std::int64_t failed = 0;  // no answer came, to a question or to the wish for some
};

class QuestionWriter {
 public:
  /// Borrows the answerer.
  QuestionWriter(eval::Answerer& answerer, Passages passages, AnswerScore score, const WrittenOptions& options)
      : answerer_(answerer), passages_(std::move(passages)), score_(std::move(score)), options_(options) {}

  /// What a text is first asked, for estimates: the wish for questions, then as many questions as are wished for.
  eval::EvalSet first_questions(const std::vector<WrittenText>& texts) const;

  /// Four rounds: the wish for questions, then these without the text, with passages, with all of it; each asks what
  /// the round before left. The text with the questions that are left; nothing when none is, or after a stop. Throws
  /// what the answerer does.
  std::optional<BuiltRow> write(const WrittenText& text,
                                const std::function<void(const eval::AnswerProgress&)>& progress,
                                const std::atomic<bool>& stop);

  const WrittenCounts& counts() const { return counts_; }

 private:
  eval::EvalSample sample(const std::string& id, std::size_t document, const BuiltQuestion& question) const;
  eval::EvalSample wish(std::size_t document) const;
  eval::EvalSet about(const WrittenText& text, const std::vector<BuiltQuestion>& questions) const;

  eval::Answerer& answerer_;
  Passages passages_;
  AnswerScore score_;
  WrittenOptions options_;
  WrittenCounts counts_;
};

}  // namespace tome::data
