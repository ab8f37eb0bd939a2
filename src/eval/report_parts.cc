#include "eval/report_parts.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "base/number_text.h"
#include "text/html_escape.h"

namespace tome::eval {
namespace {

constexpr double kDeepest = 60;  // per cent of colour behind a score of 1: the text stays readable

// A cell of a Markdown table: on one line, no bar.
std::string markdown_cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

std::string markdown_row(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line += cat(' ', markdown_cell(cell), " |");
  return line + "\n";
}

std::string markdown_table(const ReportTable& table) {
  std::string out;
  if (!table.caption.empty()) out += table.caption + "\n\n";
  out += markdown_row(table.heading) + "|";
  for (std::size_t i = 0; i < table.heading.size(); ++i) out += i == 0 || table.long_text ? " --- |" : " ---: |";
  out += "\n";
  for (const auto& row : table.rows) out += markdown_row(row);
  return out + "\n";
}

std::string shade_style(double share) {
  if (share < 0) return "";
  std::array<char, 96> text;
  std::snprintf(text.data(), text.size(), " style=\"background:color-mix(in srgb,var(--c0) %.0f%%,var(--card))\"",
                share * kDeepest);
  return text.data();
}

std::string html_table(const ReportTable& table) {
  std::string out;
  if (!table.caption.empty()) out += cat("<p class=\"unit\">", escape_html(table.caption), "</p>");
  out += cat("<div class=\"wide-scroll\"><table class=\"", table.long_text ? "words" : "scores", "\">");
  out += "<thead><tr>";
  for (const std::string& cell : table.heading) out += cat("<th scope=\"col\">", escape_html(cell), "</th>");
  out += "</tr></thead><tbody>";
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    out += "<tr>";
    for (std::size_t c = 0; c < table.rows[r].size(); ++c) {
      const std::string cell = cat("<bdi>", escape_html(table.rows[r][c]), "</bdi>");
      if (c == 0) {
        out += cat("<th scope=\"row\">", cell, "</th>");
      } else {
        out += cat("<td", table.shades.empty() ? "" : shade_style(table.shades[r][c - 1]), ">", cell, "</td>");
      }
    }
    out += "</tr>";
  }
  return out + "</tbody></table></div>\n";
}

}  // namespace

std::string markdown(const std::string& title, const std::vector<ReportSection>& sections) {
  std::string out = cat("# ", title, "\n\n");
  for (const ReportSection& section : sections) {
    out += cat("## ", section.title, "\n\n");
    for (const std::string& paragraph : section.paragraphs) out += paragraph + "\n\n";
    for (const ReportTable& table : section.tables) out += markdown_table(table);
  }
  return out;
}

std::string html_body(const std::vector<ReportSection>& sections) {
  std::string out;
  for (const ReportSection& section : sections) {
    out += cat("<section><h2>", escape_html(section.title), "</h2>\n");
    for (const std::string& paragraph : section.paragraphs) out += cat("<p>", escape_html(paragraph), "</p>\n");
    if (!section.charts.empty()) {
      out += "<div class=\"charts\">\n";
      for (const ScoreChart& chart : section.charts) out += score_chart_html(chart);
      out += "</div>\n";
    }
    for (const ReportTable& table : section.tables) out += html_table(table);
    out += "</section>\n";
  }
  return out;
}

std::string score_text(double score, double low, double high, std::size_t n) {
  if (n == 0) return "-";
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.2f [%.2f, %.2f]", score, low, high);
  return text.data();
}

std::string length_text(std::int64_t length) {
  if (length == 0) return "own";
  return length % 1024 == 0 ? cat(length / 1024, "K") : grouped(length);
}

}  // namespace tome::eval
