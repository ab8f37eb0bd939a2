#include "eval/compare.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "base/error.h"
#include "base/number_text.h"
#include "eval/published.h"
#include "eval/view_name.h"
#include "formats/new_file.h"
#include "text/report_page.h"

namespace tome::eval {
namespace {

// Samples that are compared together, by their exact scores or by what a judge said.
struct Cell {
  std::string task;
  std::int64_t length = 0;
  bool judged = false;

  bool has(const EvalSample& sample) const { return sample.task == task && sample.length == length; }
  bool operator==(const Cell&) const = default;
};

std::string answerer_of(const ComparedRun& run, const View& view) {
  return view.label.empty() ? run.name : cat(run.name, " + ", view.label);
}

// Scores by sample id, of what was scored.
std::map<std::string, double> scores_of(const ComparedRun& run, const View& view, const Cell& cell) {
  std::map<std::string, double> scores;
  for (const EvalSample& sample : run.set.samples) {
    const auto found = view.answers.find(sample.id);
    if (!cell.has(sample) || found == view.answers.end() || !is_scored(found->second)) continue;
    const Verdict* verdict = find_verdict(view.verdicts, sample, found->second);
    if (!cell.judged) {
      scores[sample.id] = score_answer(sample, found->second.text);
    } else if (verdict != nullptr && verdict->said.error.empty()) {
      scores[sample.id] = verdict->same().value_or(false) ? 1 : 0;
    }
  }
  return scores;
}

std::map<std::string, std::string> fingerprints_of(const ComparedRun& run, const Cell& cell) {
  std::map<std::string, std::string> prints;
  for (const EvalSample& sample : run.set.samples) {
    if (cell.has(sample)) prints[sample.id] = fingerprint(run.set, sample);
  }
  return prints;
}

std::vector<Cell> cells_of(const ComparedRun& run) {
  std::vector<Cell> cells;
  for (const EvalSample& sample : run.set.samples) {
    Cell cell{sample.task, sample.length};
    if (std::find(cells.begin(), cells.end(), cell) != cells.end()) continue;
    cells.push_back(cell);
    cell.judged = true;
    if (!run.judge.is_null()) cells.push_back(cell);
  }
  return cells;
}

ComparedPair compare_cell(const ComparedRun& first, const View& first_view, const ComparedRun& second,
                          const View& second_view, const Cell& cell) {
  ComparedPair pair{cell.judged ? judged_task(cell.task) : cell.task,
                    cell.length,
                    answerer_of(first, first_view),
                    answerer_of(second, second_view),
                    true,
                    {}};
  pair.same_samples = &first == &second || fingerprints_of(first, cell) == fingerprints_of(second, cell);
  if (!pair.same_samples) return pair;
  const auto ours = scores_of(first, first_view, cell), theirs = scores_of(second, second_view, cell);
  std::vector<double> a, b;
  for (const auto& [id, score] : ours) {
    const auto found = theirs.find(id);
    if (found == theirs.end()) continue;
    a.push_back(score);
    b.push_back(found->second);
  }
  pair.test = paired_test(a, b);
  return pair;
}

const View* whole_view(const ComparedRun& run) {
  const auto found =
      std::find_if(run.views.begin(), run.views.end(), [](const View& view) { return view.name == kWholeView; });
  return found == run.views.end() ? nullptr : &*found;
}

void add_pairs(Comparison& comparison, const ComparedRun& first, const ComparedRun& second) {
  const View* ours = whole_view(first);
  if (ours == nullptr) return;
  for (const Cell& cell : cells_of(first)) {
    if (cell.judged && first.judge != second.judge) continue;
    for (const View& view : second.views) {
      const bool itself = &first == &second;
      if (itself ? &view == ours : view.name != kWholeView) continue;
      ComparedPair pair = compare_cell(first, *ours, second, view, cell);
      if (!pair.same_samples || pair.test.n > 0) comparison.pairs.push_back(std::move(pair));
    }
  }
}

ReportSection scores_section(const Comparison& comparison, const std::string& task, std::size_t number) {
  ReportSection section;
  section.title = task;
  ScoreChart chart{cat("compare-", number), task, {}};
  ReportTable table;
  table.heading = {"length", "answerer", "score", "n"};
  std::map<std::string, ScoreCurve> curves;
  std::vector<std::string> order;
  for (const ResultRow& row : comparison.rows) {
    if (row.task != task || row.depth >= 0 || row.n == 0) continue;
    table.rows.push_back({length_text(row.length), row.answerer,
                          score_text(row.score, row.interval.low, row.interval.high, row.n), cat(row.n)});
    if (row.length == 0) continue;
    if (!curves.contains(row.answerer)) order.push_back(row.answerer);
    curves[row.answerer].points.push_back(
        {static_cast<double>(row.length), row.score, row.interval.low, row.interval.high});
  }
  std::stable_sort(table.rows.begin(), table.rows.end(), [&](const auto& a, const auto& b) {
    return a[0].size() != b[0].size() ? a[0].size() < b[0].size() : a[0] < b[0];
  });
  bool many = false;
  chart.curves.reserve(order.size());
  for (const std::string& name : order) {
    curves[name].name = name;
    many = many || curves[name].points.size() > 1;
    chart.curves.push_back(std::move(curves[name]));
  }
  if (many) section.charts.push_back(std::move(chart));
  section.tables.push_back(std::move(table));
  return section;
}

ReportSection pairs_section(const Comparison& comparison) {
  ReportSection section;
  section.title = "Paired tests";
  section.paragraphs.emplace_back(
      "The same samples, pair by pair: McNemar's exact test where every score is 0 or 1, else a permutation test. "
      "Nothing corrects for the number of tests.");
  ReportTable table;
  table.heading = {"task", "length", "first", "second", "pairs", "difference", "first better", "second better", "p"};
  for (const ComparedPair& pair : comparison.pairs) {
    if (!pair.same_samples) {
      table.rows.push_back(
          {pair.task, length_text(pair.length), pair.first, pair.second, "other samples", "-", "-", "-", "no test"});
      continue;
    }
    const PairedTest& test = pair.test;
    table.rows.push_back({pair.task, length_text(pair.length), pair.first, pair.second, cat(test.n),
                          print("%+.2f [%+.2f, %+.2f]", test.difference, test.interval.low, test.interval.high),
                          cat(test.first_only), cat(test.second_only),
                          print(test.p < 0.001 ? "%.1e" : "%.3f", test.p)});
  }
  section.tables.push_back(std::move(table));
  return section;
}

// The article's shape, once for each of its tables that we have a row for: the longest length that was scored.
ReportSection published_section(const Comparison& comparison) {
  ReportSection section;
  section.title = "Beside the Anima 100K article";
  section.paragraphs.emplace_back(
      "Rows marked \"published\" are the article's own, on its own samples of about 100,000 tokens; it gives neither "
      "numbers of samples nor intervals. Ours are at the longest length that was asked.");
  for (const std::string_view task : {"topics", "lines", "narrativeqa"}) {
    std::map<std::string, const ResultRow*> longest;
    for (const ResultRow& row : comparison.rows) {
      if (row.task.substr(0, row.task.find('/')) != task || row.depth >= 0 || row.n == 0) continue;
      const ResultRow*& best = longest[row.answerer];
      if (best == nullptr || best->length < row.length) best = &row;
    }
    if (longest.empty()) continue;
    ReportTable table;
    for (const PublishedScore& score : published_scores()) {
      if (score.task != task) continue;
      table.caption = score.title;
      table.heading = {"Model", score.measure == "F1" ? "F1" : "Accuracy", "tokens", "n", "source"};
      table.rows.push_back({std::string(score.model), print("%.4g", score.score), "about 100,000", "-", "published"});
    }
    for (const auto& [answerer, row] : longest) {
      table.rows.push_back({answerer, score_text(row->score, row->interval.low, row->interval.high, row->n),
                            length_text(row->length), cat(row->n), "measured"});
    }
    section.tables.push_back(std::move(table));
  }
  return section;
}

std::vector<ReportSection> sections_of(const Comparison& comparison) {
  std::vector<ReportSection> sections;
  std::vector<std::string> tasks;
  for (const ResultRow& row : comparison.rows) {
    if (std::find(tasks.begin(), tasks.end(), row.task) == tasks.end()) tasks.push_back(row.task);
  }
  sections.reserve(tasks.size());
  for (const std::string& task : tasks) sections.push_back(scores_section(comparison, task, sections.size()));
  if (!comparison.pairs.empty()) sections.push_back(pairs_section(comparison));
  ReportSection published = published_section(comparison);
  if (!published.tables.empty()) sections.push_back(std::move(published));
  return sections;
}

nlohmann::ordered_json comparison_json(const Comparison& comparison) {
  nlohmann::ordered_json pairs = nlohmann::ordered_json::array();
  for (const ComparedPair& pair : comparison.pairs) {
    nlohmann::ordered_json object = {{"task", pair.task},
                                     {"length", pair.length},
                                     {"first", pair.first},
                                     {"second", pair.second},
                                     {"same_samples", pair.same_samples}};
    if (pair.same_samples) {
      object["n"] = pair.test.n;
      object["difference"] = pair.test.difference;
      object["low"] = pair.test.interval.low;
      object["high"] = pair.test.interval.high;
      object["first_better"] = pair.test.first_only;
      object["second_better"] = pair.test.second_only;
      object["p"] = pair.test.p;
    }
    pairs.push_back(std::move(object));
  }
  return {{"schema_version", 1}, {"rows", results_json(comparison.rows, nlohmann::json::object())}, {"pairs", pairs}};
}

}  // namespace

ComparedRun load_run(const std::filesystem::path& folder) {
  const RunFolder run = RunFolder::open(folder);
  ComparedRun compared;
  compared.folder = std::filesystem::weakly_canonical(folder).filename().string();
  compared.name = run.run().value("answerer", nlohmann::json::object()).value("name", compared.folder);
  compared.set = run.load();
  compared.judge = run.run().value("judge", nlohmann::json());
  for (const std::string& name : run.views()) {
    compared.views.push_back({name, view_label(name), run.answers(name), read_verdicts(run, name)});
  }
  return compared;
}

Comparison compare_runs(std::vector<ComparedRun> runs) {
  std::map<std::string, std::size_t> names;
  for (const ComparedRun& run : runs) ++names[run.name];
  for (ComparedRun& run : runs) {
    if (names.at(run.name) > 1) run.name += cat(" (", run.folder, ")");
  }
  Comparison comparison;
  for (const ComparedRun& run : runs) {
    for (ResultRow& row : make_results(run.set, run.views, run.name)) comparison.rows.push_back(std::move(row));
  }
  for (const ComparedRun& run : runs) {
    add_pairs(comparison, run, run);
    if (&run != &runs.front()) add_pairs(comparison, runs.front(), run);
  }
  return comparison;
}

std::string comparison_markdown(const Comparison& comparison) {
  return markdown("Comparison", sections_of(comparison));
}

void write_comparison(const std::filesystem::path& folder, const Comparison& comparison) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  write_file(folder / "compare.md", comparison_markdown(comparison));
  write_file(folder / "compare.html",
             report_page("Comparison", "tome eval compare", "Runs side by side.", html_body(sections_of(comparison))));
  write_file(folder / "compare.json", comparison_json(comparison).dump(1) + "\n");
}

}  // namespace tome::eval
