// Runs side by side: their scores, and paired tests on the samples that they share.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "eval/report_parts.h"
#include "eval/results.h"
#include "eval/statistics.h"

namespace tome::eval {

struct ComparedRun {
  std::string name;    // of who answers; made unique with the folder's name where two have the same
  std::string folder;  // its name
  EvalSet set;
  std::vector<View> views;
  nlohmann::json judge;  // who judged; null: nobody
};

/// Throws UserError when there is no run.
ComparedRun load_run(const std::filesystem::path& folder);

struct ComparedPair {
  std::string task;
  std::int64_t length = 0;
  std::string first, second;  // answerers
  bool same_samples = true;   // false: the two were asked other samples, so there is no test
  PairedTest test;            // second - first
};

struct Comparison {
  std::vector<ResultRow> rows;
  std::vector<ComparedPair> pairs;
};

/// Rows of all runs; pairs of the first run with each other one, and of each run's whole text with its other views.
/// A pair is tested on the samples of the same id and content that both have scored; where a task and length has other
/// samples in the two runs, there is no test. What a judge said is tested where both had the same judge.
Comparison compare_runs(std::vector<ComparedRun> runs);

std::string comparison_markdown(const Comparison& comparison);
/// compare.md, compare.html and compare.json into a folder, which is made. Throws UserError.
void write_comparison(const std::filesystem::path& folder, const Comparison& comparison);

}  // namespace tome::eval
