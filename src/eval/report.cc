#include "eval/report.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/number_text.h"
#include "eval/result_tables.h"
#include "eval/task.h"
#include "eval/tasks/ruler.h"
#include "formats/new_file.h"
#include "text/report_page.h"

namespace tome::eval {
namespace {

std::string plain(const nlohmann::json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

// --set ruler.threshold=85.6, per cent.
double threshold_of(const nlohmann::json& run) {
  TaskRequest request;
  const nlohmann::json asked = run.value("request", nlohmann::json::object());
  request.settings = asked.value("settings", decltype(request.settings)());
  return effective_threshold(request);
}

ReportSection settings_section(const nlohmann::json& run) {
  ReportSection section;
  section.title = "Settings";
  ReportTable table;
  table.heading = {"setting", "value"};
  table.long_text = true;
  for (const char* part : {"answerer", "request", "judge"}) {
    const nlohmann::json settings = run.value(part, nlohmann::json::object());
    for (const auto& [key, value] : settings.items()) {
      table.rows.push_back({std::string_view(part) == "judge" ? cat("judge: ", key) : key, plain(value)});
    }
  }
  table.rows.push_back({"data_revision", plain(run.value("data_revision", nlohmann::json()))});
  section.tables.push_back(std::move(table));
  for (const auto& note : run.value("notes", nlohmann::json::array())) section.paragraphs.push_back(plain(note));
  return section;
}

std::string answer_text(const EvalSample& sample, const EvalAnswer& answer, const Verdict* verdict) {
  if (!is_scored(answer)) return cat("(", answer.error.empty() ? answer.finish_reason : answer.error, ")");
  std::string judged;
  if (verdict != nullptr && verdict->said.error.empty()) {
    const std::optional<bool> same = verdict->same();
    judged = cat(", judged ", !same ? "unclear" : *same ? "1" : "0");
  }
  return cat(print("%.2f", score_answer(sample, answer.text)), judged, "  ", scored_text(sample, answer.text));
}

// Question, accepted answers and what was said, view by view.
ReportTable answers_table(const EvalSet& set, std::span<const View> views, const auto& wanted) {
  ReportTable table;
  table.long_text = true;
  table.heading = {"question", "accepted"};
  for (const View& view : views) table.heading.push_back(view.label.empty() ? "whole text" : view.label);
  for (const EvalSample& sample : set.samples) {
    if (!wanted(sample)) continue;
    std::vector<std::string> line = {sample.question, sample.answers.front()};
    for (const View& view : views) {
      const auto found = view.answers.find(sample.id);
      if (found == view.answers.end()) {
        line.emplace_back();
        continue;
      }
      line.push_back(answer_text(sample, found->second, find_verdict(view.verdicts, sample, found->second)));
    }
    table.rows.push_back(std::move(line));
  }
  return table;
}

std::vector<std::string> task_names(const EvalSet& set) {
  std::vector<std::string> names;
  for (const EvalSample& sample : set.samples) {
    const std::string name(whole_task(sample.task));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

std::string name_of(const RunFolder& folder) {
  return folder.run().value("answerer", nlohmann::json::object()).value("name", std::string("answers"));
}

}  // namespace

std::vector<ReportSection> report_sections(const RunReport& run) {
  const std::vector<ResultRow> rows = make_results(run.set, run.views, name_of(run.folder));
  const double threshold = threshold_of(run.folder.run());
  const std::string judge =
      run.folder.run().value("judge", nlohmann::json::object()).value("name", std::string("the judge"));
  std::vector<ReportSection> sections;
  for (const std::string& task : task_names(run.set)) {
    sections.push_back(task_section(rows, task, sections.size(), threshold, judge));
  }
  if (!run.positions.empty()) sections.push_back(position_section(run.positions));
  sections.push_back(counts_section(rows));
  sections.push_back(settings_section(run.folder.run()));
  return sections;
}

void write_reports(const RunReport& run) {
  const std::filesystem::path& path = run.folder.path();
  const std::string name = name_of(run.folder);
  std::vector<ReportSection> sections = report_sections(run);
  write_file(path / "report.md", markdown(cat("Evaluation of ", name), sections));
  ReportSection transcript;
  transcript.title = "Answers";
  transcript.tables.push_back(answers_table(
      run.set, run.views, [](const EvalSample& sample) { return find_task(sample.task).always_compare; }));
  if (!transcript.tables.back().rows.empty()) sections.insert(sections.end() - 2, std::move(transcript));
  write_file(path / "report.html",
             report_page(name, "tome eval", "How much of its window it uses.", html_body(sections)));
  nlohmann::ordered_json results = results_json(make_results(run.set, run.views, name), run.folder.run());
  for (auto& row : position_rows(run.positions, name)) results.push_back(std::move(row));
  write_file(path / "results.json", results.dump(1) + "\n");
  std::vector<ReportSection> parts;
  for (const std::string& task : task_names(run.set)) {
    ReportSection part;
    part.title = task;
    part.tables.push_back(
        answers_table(run.set, run.views, [&](const EvalSample& sample) { return whole_task(sample.task) == task; }));
    parts.push_back(std::move(part));
  }
  write_file(path / "transcript.md", markdown(cat("Answers of ", name), parts));
}

std::string summary(const RunReport& run) {
  return markdown(run.folder.path().filename().string(), report_sections(run));
}

}  // namespace tome::eval
