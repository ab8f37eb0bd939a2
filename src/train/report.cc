#include "train/report.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <iterator>

#include "base/error.h"
#include "base/number_text.h"
#include "formats/new_file.h"
#include "text/html_escape.h"
#include "text/report_page.h"
#include "train/chart.h"

namespace tome {
namespace {

template <typename Records, typename Value>
Curve curve(const char* name, const Records& records, const Value& value) {
  Curve result{name, {}};
  for (const auto& record : records) {
    result.points.push_back({static_cast<double>(record.step), static_cast<double>(value(record))});
  }
  return result;
}

std::vector<Chart> charts(const Report& report) {
  using Step = StepRecord;
  const auto& steps = report.steps;
  std::vector<Chart> out;
  Chart loss{"loss", "Loss", "nats a target token", AxisFormat::kPlain, false, {}};
  loss.curves.push_back(curve("Training", steps, [](const Step& s) { return s.loss; }));
  if (!report.validations.empty()) {
    loss.curves.push_back(curve("Validation", report.validations, [](const ValidationRecord& v) { return v.loss; }));
  }
  out.push_back(std::move(loss));
  out.push_back(
      {"rate", "Learning rate", "step size", AxisFormat::kRate, true, {curve("Learning rate", steps, [](const Step& s) {
         return s.learning_rate;
       })}});
  out.push_back(
      {"speed", "Speed", "tokens a second", AxisFormat::kPlain, true, {curve("Speed", steps, [](const Step& s) {
         return s.tokens_per_second;
       })}});
  out.push_back({"peak",
                 "Use of the processor",
                 "% of its measured peak",
                 AxisFormat::kPlain,
                 true,
                 {curve("Use", steps, [](const Step& s) { return 100 * s.fraction_of_peak; })}});
  out.push_back({"memory",
                 "Memory, largest so far",
                 "",
                 AxisFormat::kBytes,
                 true,
                 {curve("Resident", steps, [](const Step& s) { return s.peak_rss_bytes; }),
                  curve("Private", steps, [](const Step& s) { return s.peak_private_bytes; })}});
  const bool spills = std::any_of(steps.begin(), steps.end(), [](const Step& s) { return s.spill_bytes > 0; });
  if (spills) {
    out.push_back(
        {"spill", "Activations on disk", "", AxisFormat::kBytes, true, {curve("Spill file", steps, [](const Step& s) {
           return s.spill_bytes;
         })}});
  }
  return out;
}

std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

// 0.0413, and 3.1e-05 where four decimals would show nothing.
std::string loss_text(double loss) {
  char text[64];
  std::snprintf(text, sizeof text, loss != 0 && std::abs(loss) < 0.001 ? "%.1e" : "%.4f", loss);
  return text;
}

std::string duration(double seconds) {
  const auto minutes = static_cast<std::int64_t>(seconds / 60);
  if (minutes == 0) return cat(fixed(seconds, 0), " s");
  if (minutes < 60) return cat(minutes, " min");
  return cat(minutes / 60, " h ", minutes % 60, " min");
}

void add_fact(std::string& out, const std::string& name, const std::string& value) {
  out += cat("<div><dt>", name, "</dt><dd>", escape_html(value), "</dd></div>");
}

std::string facts(const Report& report) {
  if (report.steps.empty()) return "";
  std::int64_t tokens = 0;
  double seconds = 0;
  for (const StepRecord& step : report.steps) {
    tokens += step.tokens;
    if (step.tokens_per_second > 0) seconds += static_cast<double>(step.tokens) / step.tokens_per_second;
  }
  const StepRecord& last = report.steps.back();
  std::string out = "<dl class=\"facts\">";
  add_fact(out, "steps", cat(last.step, " of ", std::max(report.planned_steps, last.step)));
  add_fact(out, "last loss", loss_text(last.loss));
  const auto by_loss = [](const ValidationRecord& a, const ValidationRecord& b) { return a.loss < b.loss; };
  const auto best = std::min_element(report.validations.begin(), report.validations.end(), by_loss);
  if (best != report.validations.end()) {
    add_fact(out, cat("best validation, step ", best->step), loss_text(best->loss));
  }
  add_fact(out, "tokens trained on", grouped(tokens));
  add_fact(out, "time in steps", duration(seconds));
  add_fact(out, "peak private memory", cat(grouped(static_cast<std::int64_t>(last.peak_private_bytes >> 20)), " MiB"));
  return out + "</dl>\n";
}

std::string settings_table(const Report& report) {
  if (report.settings.empty()) return "";
  std::string out = "<section><h2>Settings</h2><table class=\"wide\"><tbody>";
  for (const auto& [name, value] : report.settings) {
    out += cat("<tr><th scope=\"row\">", escape_html(name), "</th>");
    out += value.empty() ? "<td class=\"none\">not given</td></tr>" : cat("<td>", escape_html(value), "</td></tr>");
  }
  return out + "</tbody></table></section>\n";
}

// Sample by sample, so that one sees how an answer grew. Two documents may be asked the same question: a sample is told
// by its place among those of its step too.
std::string sample_tables(const Report& report) {
  if (report.samples.empty()) return "";
  struct Course {
    const SampleRecord* first;
    std::size_t place;
    std::string rows;
  };
  std::vector<Course> courses;
  std::size_t place = 0;
  for (std::size_t i = 0; i < report.samples.size(); ++i) {
    const SampleRecord& sample = report.samples[i];
    place = i > 0 && report.samples[i - 1].step == sample.step ? place + 1 : 0;
    const auto same = [&](const Course& course) {
      return course.place == place && course.first->question == sample.question &&
             course.first->expected == sample.expected;
    };
    auto course = std::find_if(courses.begin(), courses.end(), same);
    if (course == courses.end()) course = courses.insert(courses.end(), {&sample, place, ""});
    course->rows += cat("<tr><th scope=\"row\">step ", sample.step, "</th><td><bdi>", escape_html(sample.answer),
                        "</bdi></td></tr>");
  }
  std::string out = "<section><h2>Answers during training</h2>";
  for (const Course& course : courses) {
    out += cat("<h3><bdi>", escape_html(course.first->question), "</bdi></h3><table class=\"wide\"><tbody>",
               "<tr class=\"wanted\"><th scope=\"row\">expected</th><td><bdi>", escape_html(course.first->expected),
               "</bdi></td></tr>", course.rows, "</tbody></table>");
  }
  return out + "</section>\n";
}

}  // namespace

std::string report_html(const Report& report) {
  std::string body = facts(report) + "<div class=\"charts\">\n";
  for (const Chart& chart : charts(report)) body += chart_html(chart);
  body += "</div>\n" + sample_tables(report) + settings_table(report);
  return report_page(report.title, "tome train", "A training run of tome.", body);
}

void write_report(const std::filesystem::path& path, const Report& report) { write_file(path, report_html(report)); }

}  // namespace tome
