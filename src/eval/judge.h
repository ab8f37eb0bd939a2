// A second score beside the exact one: a model says whether an answer means the same as the accepted one.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "eval/answerer.h"
#include "eval/run_folder.h"
#include "eval/sample.h"

namespace tome::eval {

/// What the judge said of one answer.
struct Verdict {
  std::string answer;  // that it was asked about, as it is scored
  EvalAnswer said;     // its words and what they cost; with an error: no verdict came

  /// nothing: the words are neither a yes nor a no, or both.
  std::optional<bool> same() const;
};

/// Verdicts by sample id.
using Verdicts = std::map<std::string, Verdict, std::less<>>;

/// Whether its task wants a judge (details "judge"), or is named among `tasks`.
bool wants_judge(const EvalSample& sample, std::span<const std::string> tasks);

/// The sample that a judge is asked: question, accepted answers and the given one, without the document. `view` makes
/// its id one of its own.
EvalSample judge_question(const EvalSample& sample, std::string_view view, const std::string& given);

/// The verdict on `answer`; null when there is none, or one on other words.
const Verdict* find_verdict(const Verdicts& verdicts, const EvalSample& sample, const EvalAnswer& answer);

/// judged/VIEW.jsonl of a run. Throws UserError for a line that is no verdict.
Verdicts read_verdicts(const RunFolder& folder, std::string_view view);

/// The answers of a view that a judge shall be asked about, and what it has said so far.
class Judging {
 public:
  /// `set` is borrowed.
  Judging(const RunFolder& folder, const EvalSet& set, std::string_view view, std::span<const std::string> tasks);

  /// One question for each answer that has no verdict yet, on an empty document.
  const EvalSet& questions() const { return questions_; }
  /// Asks them all, each verdict kept in the folder as it comes. Throws what the judge throws.
  void ask(Answerer& judge, const std::function<void(const AnswerProgress&)>& progress, const std::atomic<bool>& stop);

 private:
  const RunFolder& folder_;
  std::string view_;
  Verdicts kept_;
  EvalSet questions_;
  std::vector<std::pair<std::string, std::string>> asked_;  // of each question the sample's id and the given answer
};

}  // namespace tome::eval
