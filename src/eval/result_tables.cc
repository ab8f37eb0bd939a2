#include "eval/result_tables.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/number_text.h"
#include "eval/task.h"
#include "eval/tasks/ruler.h"

namespace tome::eval {
namespace {

std::string score_of(const ResultRow& row) {
  std::string text = score_text(row.score, row.interval.low, row.interval.high, row.n);
  return row.n > 0 ? cat(text, " n ", row.n) : text;
}

// Names in the order of the rows, each once.
template <typename Value, typename Of>
std::vector<Value> distinct(std::span<const ResultRow> rows, const Of& of) {
  std::vector<Value> values;
  for (const ResultRow& row : rows) {
    const Value value = of(row);
    if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  }
  return values;
}

std::vector<ResultRow> rows_of(std::span<const ResultRow> rows, std::string_view task) {
  std::vector<ResultRow> out;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(out),
               [&](const ResultRow& row) { return whole_task(row.task) == task; });
  return out;
}

const ResultRow* find_row(std::span<const ResultRow> rows, std::string_view task, std::int64_t length, double depth,
                          std::string_view answerer) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const ResultRow& row) {
    return row.task == task && row.length == length && row.depth == depth && row.answerer == answerer;
  });
  return found == rows.end() ? nullptr : &*found;
}

// Parts and answerers down, lengths across.
ReportTable length_table(std::span<const ResultRow> rows) {
  const auto tasks = distinct<std::string>(rows, [](const ResultRow& r) { return r.task; });
  const auto answerers = distinct<std::string>(rows, [](const ResultRow& r) { return r.answerer; });
  const auto lengths = distinct<std::int64_t>(rows, [](const ResultRow& r) { return r.length; });
  ReportTable table;
  table.heading = {"task", "answerer"};
  for (const std::int64_t length : lengths) table.heading.push_back(length_text(length));
  for (const std::string& task : tasks) {
    for (const std::string& answerer : answerers) {
      std::vector<std::string> line = {task, answerer};
      bool any = false;
      for (const std::int64_t length : lengths) {
        const ResultRow* row = find_row(rows, task, length, -1, answerer);
        any = any || (row != nullptr && row->n > 0);
        line.push_back(row == nullptr ? "-" : score_of(*row));
      }
      if (any) table.rows.push_back(std::move(line));
    }
  }
  return table;
}

// Depth down, length across.
ReportTable depth_table(std::span<const ResultRow> rows, const std::string& task, const std::string& answerer) {
  ReportTable table;
  std::set<double> depths;
  std::vector<std::int64_t> lengths;
  for (const ResultRow& row : rows) {
    if (row.task != task || row.answerer != answerer || row.depth < 0 || row.n == 0) continue;
    depths.insert(row.depth);
    if (std::find(lengths.begin(), lengths.end(), row.length) == lengths.end()) lengths.push_back(row.length);
  }
  table.caption = cat(task, ", ", answerer, ": score by depth of the answer (0 %: the text's beginning) and length");
  table.heading = {"depth"};
  for (const std::int64_t length : lengths) table.heading.push_back(length_text(length));
  for (const double depth : depths) {
    std::vector<std::string> line = {print("%.0f %%", 100 * depth)};
    std::vector<double> shades;
    for (const std::int64_t length : lengths) {
      const ResultRow* row = find_row(rows, task, length, depth, answerer);
      const bool scored = row != nullptr && row->n > 0;
      line.push_back(scored ? print("%.2f n %zu", row->score, row->n) : "-");
      shades.push_back(scored ? row->score : -1);
    }
    table.rows.push_back(std::move(line));
    table.shades.push_back(std::move(shades));
  }
  return table;
}

ScoreChart chart_of(std::span<const ResultRow> rows, const std::string& task, std::size_t number) {
  ScoreChart chart{cat("chart-", number), task, {}};
  for (const std::string& answerer : distinct<std::string>(rows, [](const ResultRow& r) { return r.answerer; })) {
    ScoreCurve curve{answerer, {}};
    for (const ResultRow& row : rows) {
      if (row.task != task || row.answerer != answerer || row.depth >= 0 || row.n == 0 || row.length == 0) continue;
      curve.points.push_back({static_cast<double>(row.length), row.score, row.interval.low, row.interval.high});
    }
    std::sort(curve.points.begin(), curve.points.end(),
              [](const ScorePoint& a, const ScorePoint& b) { return a.length < b.length; });
    if (!curve.points.empty()) chart.curves.push_back(std::move(curve));
  }
  return chart;
}

// "gemma: 0.81 with the whole text, 0.55 without: the text gave 0.26"
void add_gains(ReportSection& section, std::span<const ResultRow> rows) {
  ReportTable table;
  table.caption = "What the text gave: the score of each view less that without any document";
  table.heading = {"task", "length", "answerer", "score", "gain"};
  for (const ResultRow& row : rows) {
    if (row.depth >= 0 || row.n == 0) continue;
    const auto base = std::find_if(rows.begin(), rows.end(), [&](const ResultRow& other) {
      return other.view == "none" && other.task == row.task && other.length == row.length && other.depth < 0;
    });
    if (base == rows.end() || base->n == 0) continue;
    table.rows.push_back({row.task, length_text(row.length), row.answerer, score_of(row),
                          row.view == "none" ? "" : print("%+.2f", row.score - base->score)});
  }
  if (!table.rows.empty()) section.tables.push_back(std::move(table));
}

void add_means(ReportSection& section, std::span<const ResultRow> rows, const std::string& task, double threshold) {
  ReportTable table;
  table.caption = print(
      "Mean over the parts, each counting once; effective length: the longest whose mean is at least "
      "%.4g %%",
      threshold);
  table.heading = {"answerer", "length", "parts", "mean"};
  for (const std::string& answerer : distinct<std::string>(rows, [](const ResultRow& r) { return r.answerer; })) {
    std::vector<std::pair<std::int64_t, double>> averages;
    for (const LengthScore& mean : mean_over_parts(rows, task, answerer)) {
      table.rows.push_back({answerer, length_text(mean.length), cat(mean.parts), print("%.3f", mean.score)});
      averages.emplace_back(mean.length, 100 * mean.score);
    }
    const std::optional<std::int64_t> effective = effective_length(averages, threshold);
    table.rows.push_back({answerer, "effective", "", effective ? length_text(*effective) : "none"});
  }
  section.tables.push_back(std::move(table));
}

// What the rows "(judged)" are; "" without any.
std::string judge_words(std::span<const ResultRow> rows, const std::string& judge) {
  bool any = false;
  std::size_t unclear = 0;
  for (const ResultRow& row : rows) {
    if (!row.judged || row.depth >= 0) continue;
    any = true;
    unclear += row.unclear;
  }
  if (!any) return "";
  return cat("Rows marked \"(judged)\": the share of answers that ", judge,
             " says mean the same as the accepted one; their tokens, seconds and costs are the judge's. ", unclear,
             " of its verdicts are unclear and count as no.");
}

}  // namespace

ReportSection task_section(std::span<const ResultRow> all, const std::string& task, std::size_t number,
                           double threshold, const std::string& judge) {
  const std::vector<ResultRow> rows = rows_of(all, task);
  ReportSection section;
  section.title = task;
  section.paragraphs.push_back(find_task(task).summary);
  const auto parts = distinct<std::string>(rows, [](const ResultRow& r) { return r.task; });
  for (std::size_t i = 0; i < parts.size(); ++i) {
    ScoreChart chart = chart_of(rows, parts[i], number * 100 + i);
    const auto many = [](const ScoreCurve& curve) { return curve.points.size() > 1; };
    if (std::any_of(chart.curves.begin(), chart.curves.end(), many)) section.charts.push_back(std::move(chart));
  }
  section.tables.push_back(length_table(rows));
  const auto exact = std::count_if(parts.begin(), parts.end(), [&](const std::string& part) {
    return std::any_of(rows.begin(), rows.end(), [&](const ResultRow& row) { return row.task == part && !row.judged; });
  });
  if (exact > 1) add_means(section, rows, task, threshold);
  for (const std::string& part : parts) {
    for (const std::string& answerer : distinct<std::string>(rows, [](const ResultRow& r) { return r.answerer; })) {
      ReportTable table = depth_table(rows, part, answerer);
      if (!table.rows.empty()) section.tables.push_back(std::move(table));
    }
  }
  add_gains(section, rows);
  const std::string judged = judge_words(rows, judge);
  if (!judged.empty()) section.paragraphs.push_back(judged);
  return section;
}

ReportSection counts_section(std::span<const ResultRow> rows) {
  ReportSection section;
  section.title = "Counts";
  section.paragraphs.emplace_back(
      "Scores are means over the scored samples alone. Skipped samples were longer than the window (--too-long skip), "
      "errors are requests that failed for good, missing ones have no answer yet.");
  ReportTable table;
  table.heading = {"task",   "length",  "answerer",   "samples", "scored",   "skipped",
                   "errors", "missing", "cut tokens", "seconds", "tokens/s", "cost"};
  for (const ResultRow& row : rows) {
    if (row.depth >= 0) continue;
    const std::size_t samples = row.n + row.skipped + row.errors + row.missing;
    const auto tokens = static_cast<double>(row.prompt_tokens + row.answer_tokens);
    table.rows.push_back({row.task, length_text(row.length), row.answerer, cat(samples), cat(row.n), cat(row.skipped),
                          cat(row.errors), cat(row.missing), grouped(row.cut_tokens), print("%.1f", row.seconds),
                          row.seconds > 0 ? print("%.0f", tokens / row.seconds) : "-",
                          row.cost > 0 ? print("$%.4f", row.cost) : "-"});
  }
  section.tables.push_back(std::move(table));
  return section;
}

}  // namespace tome::eval
