// A report before it is Markdown or HTML: sections of tables and charts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tome::eval {

struct ReportTable {
  std::string caption;
  std::vector<std::string> heading;
  std::vector<std::vector<std::string>> rows;  // as wide as the heading; the first cell names the row
  /// Shares 0..1 behind the cells of a heat map, row by row without the first cell; negative: no colour. Empty: none.
  std::vector<std::vector<double>> shades;
  bool long_text = false;  // cells are sentences, not numbers
};

/// A score by length, with its interval.
struct ScorePoint {
  double length = 0, score = 0, low = 0, high = 0;
};
struct ScoreCurve {
  std::string name;
  std::vector<ScorePoint> points;  // by increasing length
};
/// Scores from 0 to 1 over lengths on a logarithmic axis.
struct ScoreChart {
  std::string id, title;
  std::vector<ScoreCurve> curves;
};

struct ReportSection {
  std::string title;
  std::vector<std::string> paragraphs;
  std::vector<ScoreChart> charts;  // in HTML only: the tables have their numbers
  std::vector<ReportTable> tables;
};

std::string markdown(const std::string& title, const std::vector<ReportSection>& sections);
/// The body of a page.
std::string html_body(const std::vector<ReportSection>& sections);
/// <figure> with an inline SVG and its words.
std::string score_chart_html(const ScoreChart& chart);

/// "0.92 [0.85, 0.96]"; "-" without samples.
std::string score_text(double score, double low, double high, std::size_t n);
/// "4K" for multiples of 1,024, else with commas; "own" for 0.
std::string length_text(std::int64_t length);

}  // namespace tome::eval
