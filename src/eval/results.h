// Scores of a run: one row for each task, length, depth and answerer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "eval/judge.h"
#include "eval/run_folder.h"
#include "eval/sample.h"
#include "eval/statistics.h"

namespace tome::eval {

/// What the answerer was shown of the document.
struct View {
  std::string name;   // of its file of answers: "whole", "bm25-3x512", "none"
  std::string label;  // behind the model's name: "", "BM25 3 x 512", "no document"
  Answers answers;
  Verdicts verdicts = {};  // of a judge, on some of them
};

struct ResultRow {
  std::string task;  // "topics", "ruler/vt"; of what a judge said: "topics (judged)"
  bool judged = false;
  std::int64_t length = 0;
  double depth = -1;  // -1: all depths
  std::string answerer, view;
  std::size_t n = 0;  // scored samples; with skipped, errors and missing: all samples of the row
  std::size_t skipped = 0, errors = 0, missing = 0;
  std::size_t unclear = 0;  // verdicts among the scored that say neither yes nor no, and count as no
  double score = 0;         // mean, 0..1
  Interval interval;
  std::int64_t cut_tokens = 0, prompt_tokens = 0, answer_tokens = 0;  // of a judged row: the judge's
  double seconds = 0, cost = 0;
};

/// "ruler" of "ruler/vt", "topics" of "topics (judged)".
std::string_view whole_task(std::string_view task);
/// "topics (judged)"
std::string judged_task(std::string_view task);

/// An answer came.
bool is_scored(const EvalAnswer& answer);

/// The answer as it is scored: its first line without outer white space where the sample wants one line, else all of
/// it.
std::string scored_text(const EvalSample& sample, std::string_view answer);
/// 0..1 by the sample's task.
double score_answer(const EvalSample& sample, std::string_view answer);

/// Rows in the order of the samples; a row for each depth too where a length was asked at 2 to 21 depths, in a grid or
/// with two samples each. Rows of a judge follow the exact ones, for tasks and lengths of which it judged anything.
/// `answerer`: the model's name.
std::vector<ResultRow> make_results(const EvalSet& set, std::span<const View> views, const std::string& answerer);

/// results.json: an array of rows, each with what decided the answers (`run`: run.json).
nlohmann::ordered_json results_json(std::span<const ResultRow> rows, const nlohmann::json& run);

/// Equal-weight mean over the parts of a task ("ruler/vt", "ruler/cwe") at each length, for one answerer.
struct LengthScore {
  std::int64_t length = 0;
  double score = 0;
  std::size_t parts = 0;
};
std::vector<LengthScore> mean_over_parts(std::span<const ResultRow> rows, std::string_view task,
                                         std::string_view answerer);

}  // namespace tome::eval
