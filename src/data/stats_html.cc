#include "data/stats_html.h"

#include <cstdio>

#include "base/error.h"
#include "base/number_text.h"
#include "data/bar_chart.h"
#include "data/stats_text.h"
#include "formats/new_file.h"
#include "text/html_escape.h"
#include "text/report_page.h"

namespace tome::data {
namespace {

std::string fact(const char* name, const std::string& value) {
  return cat("<div><dt>", name, "</dt><dd>", escape_html(value), "</dd></div>");
}

std::string share(std::int64_t part, std::int64_t whole) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f %%",
                whole > 0 ? 100 * static_cast<double>(part) / static_cast<double>(whole) : 0);
  return text;
}

std::string facts(const Stats& stats) {
  std::string out = "<dl class=\"facts\">" + fact("rows", grouped(stats.rows)) +
                    fact("documents", grouped(stats.documents.bytes.count())) +
                    fact("questions", grouped(stats.questions.bytes.count()));
  if (stats.broken > 0) out += fact("broken lines, not counted", grouped(stats.broken));
  if (stats.questions_of_document.count() > 0) out += fact("answers not in the text", grouped(stats.absent));
  if (stats.all_tokens > 0) {
    out += fact("tokens", grouped(stats.all_tokens)) +
           fact("share of targets", share(stats.target_tokens, stats.all_tokens));
  } else {
    out += fact("bytes of text", grouped(stats.all_bytes)) +
           fact("share of targets", share(stats.target_bytes, stats.all_bytes));
  }
  return out + "</dl>\n";
}

std::string length_row(const char* name, const Lengths& lengths) {
  std::string out = cat("<tr><th scope=\"row\">", name, "</th><td>", grouped(lengths.count()), "</td>");
  for (const std::uint64_t value :
       {lengths.least(), lengths.quantile(0.25), lengths.quantile(0.5), lengths.quantile(0.75), lengths.most()}) {
    out += cat("<td>", grouped(static_cast<std::int64_t>(value)), "</td>");
  }
  char mean[32];
  std::snprintf(mean, sizeof mean, "%.1f", lengths.mean());
  return cat(out, "<td>", mean, "</td></tr>");
}

std::string length_table(const Stats& stats) {
  std::string out =
      cat("<section><h2>Lengths, ", shown_unit(stats),
          "</h2><div class=\"scroll\"><table><thead><tr><th></th><th>count</th><th>min</th><th>quartile</th>"
          "<th>median</th><th>quartile</th><th>max</th><th>mean</th></tr></thead><tbody>");
  out += length_row("documents", shown_lengths(stats.documents)) +
         length_row("questions", shown_lengths(stats.questions)) + length_row("answers", shown_lengths(stats.answers)) +
         length_row("questions a document", stats.questions_of_document);
  return out + "</tbody></table></div></section>\n";
}

std::string value_table(const char* title, const std::vector<NamedBar>& values) {
  std::string out = cat("<section><h2>", title, "</h2><table class=\"wide\"><tbody>");
  for (const NamedBar& value : values) {
    out += cat("<tr><th scope=\"row\">", grouped(value.count), "</th><td><bdi>", escape_html(value.name),
               "</bdi></td></tr>");
  }
  return out + "</tbody></table></section>\n";
}

std::string charts(const Stats& stats) {
  const std::string unit = shown_unit(stats);
  std::string out = "<div class=\"charts\">\n";
  out += bar_chart_html({"documents", "Length of documents", unit, named_bars(shown_lengths(stats.documents))});
  out += bar_chart_html({"questions", "Length of questions", unit, named_bars(shown_lengths(stats.questions))});
  out += bar_chart_html({"answers", "Length of answers", unit, named_bars(shown_lengths(stats.answers))});
  out += bar_chart_html(
      {"depth", "Where answers stand in their document", "0 is the begin, 1 the end", depth_bars(stats)});
  out += bar_chart_html({"each", "Questions a document", "questions", named_bars(stats.questions_of_document)});
  return out + "</div>\n";
}

}  // namespace

std::string stats_html(const Stats& stats, const std::string& title) {
  std::vector<NamedBar> shapes;
  for (std::size_t i = 0; i < stats.shapes.size(); ++i) {
    if (stats.shapes[i] > 0) shapes.push_back({to_string(static_cast<DataShape>(i)), stats.shapes[i]});
  }
  return report_page(
      title, "tome data", "A training set, counted by tome.",
      cat(facts(stats), charts(stats), length_table(stats), value_table("Shapes", shapes),
          value_table("Sources", field_bars(stats.sources)), value_table("Licences", field_bars(stats.licences))));
}

void write_stats_html(const std::filesystem::path& path, const Stats& stats, const std::string& title) {
  write_file(path, stats_html(stats, title));
}

}  // namespace tome::data
