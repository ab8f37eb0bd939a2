#include "eval/results.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "eval/task.h"

namespace tome::eval {
namespace {

constexpr std::size_t kMostDepths = 21;
constexpr std::string_view kJudged = " (judged)";

std::string label(const std::string& answerer, const View& view) {
  return view.label.empty() ? answerer : cat(answerer, " + ", view.label);
}

// Counts of one row while its samples come by.
struct Sum {
  ResultRow row;
  std::vector<double> scores;

  void add(const EvalSample& sample, const EvalAnswer* answer, const Verdicts& verdicts) {
    if (row.judged && answer != nullptr && is_scored(*answer)) return add(find_verdict(verdicts, sample, *answer));
    if (answer == nullptr || answer->finish_reason == "missing") {
      ++row.missing;
    } else if (answer->finish_reason == "skipped") {
      ++row.skipped;
    } else if (!answer->error.empty()) {
      ++row.errors;
    } else {
      add(score_answer(sample, answer->text), *answer);
    }
    if (answer != nullptr && !row.judged) row.cost += answer->cost;
  }

  void add(const Verdict* verdict) {
    if (verdict == nullptr) {
      ++row.missing;
      return;
    }
    if (!verdict->said.error.empty()) {
      ++row.errors;
    } else {
      const std::optional<bool> same = verdict->same();
      if (!same) ++row.unclear;
      add(same.value_or(false) ? 1 : 0, verdict->said);
    }
    row.cost += verdict->said.cost;
  }

  void add(double score, const EvalAnswer& spent) {
    scores.push_back(score);
    row.cut_tokens += spent.cut_tokens;
    row.prompt_tokens += spent.prompt_tokens;
    row.answer_tokens += spent.answer_tokens;
    row.seconds += spent.seconds;
  }

  ResultRow finish() {
    row.n = scores.size();
    if (row.n > 0) row.score = std::accumulate(scores.begin(), scores.end(), 0.0) / static_cast<double>(row.n);
    row.interval = mean_interval(scores);
    return row;
  }
};

using Cell = std::pair<std::string, std::int64_t>;  // task, length

// Cells in the order in which they first come, and the depths of each.
struct Cells {
  std::vector<Cell> order;
  std::map<Cell, std::map<double, std::size_t>> depths;  // with their samples
};

Cells find_cells(const EvalSet& set) {
  Cells cells;
  for (const EvalSample& sample : set.samples) {
    const Cell cell{sample.task, sample.length};
    if (!cells.depths.contains(cell)) cells.order.push_back(cell);
    ++cells.depths[cell][sample.depth];
  }
  return cells;
}

// Depths get rows of their own where they were asked for as a grid, or have samples enough to say something.
bool shows_depths(const std::string& task, const std::map<double, std::size_t>& depths) {
  if (depths.size() < 2 || depths.size() > kMostDepths) return false;
  const auto several = [](const auto& depth) { return depth.second >= 2; };
  return find_task(task).depth_grid || std::all_of(depths.begin(), depths.end(), several);
}

void add_rows(std::vector<ResultRow>& rows, const EvalSet& set, const View& view, const std::string& answerer,
              const Cell& cell, bool split, bool judged) {
  std::map<double, Sum> sums;  // -2: all depths
  constexpr double kAll = -2;
  const auto add = [&](double depth, const EvalSample& sample, const EvalAnswer* answer) {
    Sum& sum = sums[depth];
    sum.row.judged = judged;
    sum.add(sample, answer, view.verdicts);
  };
  for (const EvalSample& sample : set.samples) {
    if (sample.task != cell.first || sample.length != cell.second) continue;
    const auto found = view.answers.find(sample.id);
    const EvalAnswer* answer = found == view.answers.end() ? nullptr : &found->second;
    add(kAll, sample, answer);
    if (split) add(sample.depth, sample, answer);
  }
  for (auto& [depth, sum] : sums) {
    sum.row.task = judged ? judged_task(cell.first) : cell.first;
    sum.row.length = cell.second;
    sum.row.depth = depth == kAll ? -1 : depth;
    sum.row.answerer = label(answerer, view);
    sum.row.view = view.name;
    rows.push_back(sum.finish());
  }
}

bool judge_was_asked(const EvalSet& set, const View& view, const Cell& cell) {
  return std::any_of(set.samples.begin(), set.samples.end(), [&](const EvalSample& sample) {
    return sample.task == cell.first && sample.length == cell.second && view.verdicts.contains(sample.id);
  });
}

}  // namespace

std::string_view whole_task(std::string_view task) {
  if (task.ends_with(kJudged)) task.remove_suffix(kJudged.size());
  return task.substr(0, task.find('/'));
}

std::string judged_task(std::string_view task) { return cat(task, kJudged); }

bool is_scored(const EvalAnswer& answer) {
  return answer.error.empty() && answer.finish_reason != "skipped" && answer.finish_reason != "missing";
}

std::string scored_text(const EvalSample& sample, std::string_view answer) {
  if (!sample.one_line) return std::string(answer);
  constexpr const char* kSpace = " \t\r\n";
  const std::size_t begin = answer.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return "";
  answer = answer.substr(begin);
  answer = answer.substr(0, answer.find_first_of("\r\n"));
  return std::string(answer.substr(0, answer.find_last_not_of(kSpace) + 1));
}

double score_answer(const EvalSample& sample, std::string_view answer) {
  return find_task(sample.task).score(sample, scored_text(sample, answer));
}

std::vector<ResultRow> make_results(const EvalSet& set, std::span<const View> views, const std::string& answerer) {
  const Cells cells = find_cells(set);
  std::vector<ResultRow> rows;
  for (const Cell& cell : cells.order) {
    const bool split = shows_depths(cell.first, cells.depths.at(cell));
    for (const View& view : views) add_rows(rows, set, view, answerer, cell, split, false);
    for (const View& view : views) {
      if (judge_was_asked(set, view, cell)) add_rows(rows, set, view, answerer, cell, split, true);
    }
  }
  return rows;
}

nlohmann::ordered_json results_json(std::span<const ResultRow> rows, const nlohmann::json& run) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const ResultRow& row : rows) {
    nlohmann::ordered_json object = {{"task", row.task},
                                     {"length", row.length},
                                     {"depth", nullptr},
                                     {"answerer", row.answerer},
                                     {"n", row.n},
                                     {"score", nullptr},
                                     {"low", row.interval.low},
                                     {"high", row.interval.high},
                                     {"cut_tokens", row.cut_tokens},
                                     {"seconds", row.seconds},
                                     {"view", row.view},
                                     {"skipped", row.skipped},
                                     {"errors", row.errors},
                                     {"missing", row.missing},
                                     {"unclear", row.unclear},
                                     {"prompt_tokens", row.prompt_tokens},
                                     {"answer_tokens", row.answer_tokens},
                                     {"tokens_per_second", nullptr},
                                     {"cost", row.cost},
                                     {"run", run.value("answerer", nlohmann::json())},
                                     {"data_revision", run.value("data_revision", nlohmann::json())}};
    if (row.judged) object["judge"] = run.value("judge", nlohmann::json());
    if (row.depth >= 0) object["depth"] = row.depth;
    if (row.n > 0) object["score"] = row.score;
    if (row.seconds > 0) {
      object["tokens_per_second"] = static_cast<double>(row.prompt_tokens + row.answer_tokens) / row.seconds;
    }
    out.push_back(std::move(object));
  }
  return out;
}

std::vector<LengthScore> mean_over_parts(std::span<const ResultRow> rows, std::string_view task,
                                         std::string_view answerer) {
  std::map<std::int64_t, LengthScore> sums;
  for (const ResultRow& row : rows) {
    if (row.judged || whole_task(row.task) != task || row.answerer != answerer || row.depth >= 0 || row.n == 0)
      continue;
    LengthScore& sum = sums[row.length];
    sum.length = row.length;
    sum.score += row.score;
    ++sum.parts;
  }
  std::vector<LengthScore> out;
  for (auto& [length, sum] : sums) {
    sum.score /= static_cast<double>(sum.parts);
    out.push_back(sum);
  }
  return out;
}

}  // namespace tome::eval
