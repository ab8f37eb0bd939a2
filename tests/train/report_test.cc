// The report: hostile text stays text, numbers lie where they should, the page is one file.
#include "train/report.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <regex>

#include "text/html_escape.h"
#include "train/chart.h"
#include "train_files.h"

namespace tome {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Every element that opens closes again, in order; `void_elements` never close.
void expect_balanced(const std::string& html) {
  static const std::regex kTag(R"(<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:[^<>"]|"[^"]*")*)>)");
  std::vector<std::string> open;
  std::string rest = std::regex_replace(html, std::regex("<style>[^<]*</style>|<!DOCTYPE html>"), "");
  for (std::sregex_iterator tag(rest.begin(), rest.end(), kTag), end; tag != end; ++tag) {
    const std::string name = (*tag)[2];
    if (name == "meta" || (*tag)[3].str().ends_with("/")) continue;
    if ((*tag)[1].length() == 0) {
      open.push_back(name);
      continue;
    }
    ASSERT_FALSE(open.empty()) << name;
    ASSERT_EQ(open.back(), name);
    open.pop_back();
  }
  EXPECT_THAT(open, ElementsAre());
  const std::string text = std::regex_replace(rest, kTag, "");
  EXPECT_EQ(text.find_first_of("<>"), std::string::npos);
}

struct Course {
  std::vector<StepRecord> steps;
  std::vector<ValidationRecord> validations;
  std::vector<SampleRecord> samples;
  Report report() const { return {"my-adapter", {{"rank", "16"}}, 400, steps, validations, samples}; }
};

Course run_of(std::int64_t steps) {
  Course run;
  for (std::int64_t i = 1; i <= steps; ++i) {
    run.steps.push_back({i, 3.0 / static_cast<double>(i), 1e-4, 100, 2000, 500, 0.5, 3U << 30, 1U << 30, 0});
    if (i % 100 == 0) run.validations.push_back({i, 0.5, 10});
  }
  return run;
}

TEST(EscapeHtml, MarkupControlsAndBrokenBytes) {
  EXPECT_EQ(escape_html("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  EXPECT_EQ(escape_html(std::string("a\0b\x1b\x7f\n\tc", 8)),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd\xef\xbf\xbd\n\tc");
  EXPECT_EQ(escape_html("caf\xe9 \xc3\xa9 \xf0\x9f\x93\x96"), "caf\xef\xbf\xbd \xc3\xa9 \xf0\x9f\x93\x96");
  EXPECT_EQ(escape_html("\xc2\x85"), "\xef\xbf\xbd");  // a C1 control
}

TEST(AxisTicks, RoundNumbersThatEnclose) {
  EXPECT_THAT(axis_ticks(0, 100, 6), ElementsAre(0, 20, 40, 60, 80, 100));
  EXPECT_THAT(axis_ticks(0, 2.7, 5), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(axis_ticks(-3, 3, 4), ElementsAre(-4, -2, 0, 2, 4));
  EXPECT_THAT(axis_ticks(0, 0, 5), ElementsAre(0, 0.5, 1));
  for (const auto& [least, most] : std::vector<std::pair<double, double>>{
           {0.3, 0.31}, {7, 7}, {-5, -5}, {1e-9, 3e-4}, {0, 1e15}, {2.5e9, 2.6e9}, {-1e-3, 1e3}}) {
    const std::vector<double> ticks = axis_ticks(least, most, 5);
    ASSERT_GE(ticks.size(), 2U);
    EXPECT_LE(ticks.size(), 10U);
    EXPECT_LE(ticks.front(), least + 1e-9 * std::abs(least));
    EXPECT_GE(ticks.back(), most - 1e-9 * std::abs(most));
  }
}

TEST(Thinned, MeansOfNeighboursAndNothingInfinite) {
  std::vector<Point> points;
  for (int i = 1; i <= 10; ++i) points.push_back({static_cast<double>(i), static_cast<double>(i * i)});
  EXPECT_EQ(thinned(points, 10).size(), 10U);
  const auto three = thinned(points, 3);  // 4 + 4 + 2
  ASSERT_EQ(three.size(), 3U);
  EXPECT_EQ(three[0].step, 4);
  EXPECT_EQ(three[0].value, 7.5);
  EXPECT_EQ(three[2].step, 10);
  EXPECT_EQ(three[2].value, 90.5);
  points[4].value = std::numeric_limits<double>::quiet_NaN();
  points[5].value = std::numeric_limits<double>::infinity();
  EXPECT_EQ(thinned(points, 10).size(), 8U);
}

TEST(ChartHtml, PointsLieWhereTheAxesSay) {
  const Chart chart{"c", "Loss", "nats", AxisFormat::kPlain, true, {{"Training", {{0, 0}, {50, 2}, {100, 4}}}}};
  const std::string html = chart_html(chart);
  expect_balanced(html);
  // The frame: 52 .. 428 by 192 .. 12.
  EXPECT_THAT(html, HasSubstr("d=\"M52.0 192.0L240.0 102.0L428.0 12.0\""));
  EXPECT_THAT(html, HasSubstr("<circle cx=\"240.0\" cy=\"102.0\""));
  EXPECT_THAT(html,
              HasSubstr("Training: 0.0000 at step 0, 4.0000 at step 100; lowest 0.0000 at step 0, highest 4.0000"));
  EXPECT_THAT(html, HasSubstr("<tr><td>50</td><td>2.0000</td></tr>"));
  EXPECT_THAT(html, HasSubstr("aria-describedby=\"c-words\""));
  EXPECT_THAT(html, HasSubstr("<figcaption id=\"c-words\">"));
}

TEST(ChartHtml, OnePointIsADotInTheMiddle) {
  const Chart chart{"c", "Loss", "nats", AxisFormat::kPlain, true, {{"Training", {{7, 1}}}}};
  EXPECT_THAT(chart_html(chart), HasSubstr("<circle cx=\"240.0\" cy=\"12.0\""));
}

TEST(ChartHtml, EveryPointIsInsideTheFrame) {
  for (const bool from_zero : {false, true}) {
    for (const double size : {1e-9, 1.0, 3e12}) {
      Chart chart{"c", "t", "u", AxisFormat::kPlain, from_zero, {{"a", {}}, {"b", {}}}};
      for (int i = 3; i < 900; ++i) {
        chart.curves[0].points.push_back({static_cast<double>(i), size * (1.5 + std::sin(i))});
        if (i % 50 == 0) chart.curves[1].points.push_back({static_cast<double>(i), size * 2.4});
      }
      const std::string html = chart_html(chart);
      const std::regex point("[ML]([0-9.-]+) ([0-9.-]+)(?=[ML\"])");
      int points = 0;
      for (std::sregex_iterator at(html.begin(), html.end(), point), end; at != end; ++at, ++points) {
        const double x = std::stod((*at)[1]);
        const double y = std::stod((*at)[2]);
        EXPECT_TRUE(x >= 52 && x <= 428 && y >= 12 && y <= 192) << x << " " << y;
      }
      EXPECT_GT(points, 200);
      EXPECT_LT(points, 340);
    }
  }
}

TEST(ChartHtml, UnitsOfMemoryAndRates) {
  Chart chart{"c", "Memory", "", AxisFormat::kBytes, true, {{"Private", {{1, 500.0 * (1 << 20)}}}}};
  EXPECT_THAT(chart_html(chart), HasSubstr("Private: 500.0 at step 1."));
  EXPECT_THAT(chart_html(chart), HasSubstr("MiB"));
  chart.curves[0].points = {{1, 5.5 * (1 << 30)}, {2, 5.5 * (1 << 30)}};
  EXPECT_THAT(chart_html(chart), HasSubstr("Private: 5.5000 throughout."));
  EXPECT_THAT(chart_html(chart), HasSubstr("GiB"));
  const Chart rate{"c", "Rate", "r", AxisFormat::kRate, true, {{"Rate", {{1, 3e-4}, {2, 1.25e-5}, {3, 0}}}}};
  EXPECT_THAT(chart_html(rate), HasSubstr("Rate: 3e-4 at step 1, 0 at step 3; lowest 0 at step 3, highest 3e-4"));
  EXPECT_THAT(chart_html(rate), HasSubstr("<td>1.25e-5</td>"));
}

TEST(Report, OneFileThatLoadsAndRunsNothing) {
  const Course run = run_of(400);
  const std::string html = report_html(run.report());
  expect_balanced(html);
  EXPECT_THAT(html, HasSubstr("Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\""));
  for (const char* word : {"<script", "<link", "<img", "src=", "href=", "url(", "@import", "http:", "https:"}) {
    EXPECT_THAT(html, Not(HasSubstr(word)));
  }
  for (const char* word :
       {"<title>my-adapter", "400 of 400", "<dt>best validation, step 100</dt><dd>0.5000</dd>", "<dd>800,000</dd>",
        "<dd>26 min</dd>", "1,024 MiB", ">rank</th><td>16</td>", "prefers-color-scheme: dark", "@media print"}) {
    EXPECT_THAT(html, HasSubstr(word));
  }
}

TEST(Report, HostileTextStaysText) {
  Course run = run_of(2);
  const std::string evil =
      "</script></td></style><script>alert(1)</script><img src=x onerror=\"alert(1)\">'\"&#x3c;\xff";
  run.samples = {{1, evil, evil, evil}, {2, evil, evil, evil}};
  Report report = run.report();
  report.title = evil;
  report.settings = {{evil, evil}};
  const std::string html = report_html(report);
  expect_balanced(html);
  for (const char* word : {"<script", "<img", "onerror=\"", "&#x3c;"}) EXPECT_THAT(html, Not(HasSubstr(word)));
  EXPECT_THAT(html, HasSubstr("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&quot;&amp;#x3c;\xef\xbf\xbd"));
}

TEST(Report, AnswersAreShownQuestionByQuestion) {
  Course run = run_of(2);
  run.samples = {
      {1, "Q1", "W1", "early 1"}, {1, "Q2", "W2", "early 2"}, {2, "Q1", "W1", "late 1"}, {2, "Q2", "W2", "late 2"}};
  const std::string html = report_html(run.report());
  std::vector<std::size_t> places;
  for (const char* word : {"Q1", "W1", "early 1", "late 1", "Q2", "W2", "early 2", "late 2"})
    places.push_back(html.find(word));
  EXPECT_TRUE(std::is_sorted(places.begin(), places.end()));
  EXPECT_NE(places.back(), std::string::npos);
}

TEST(Report, TheSameQuestionToTwoDocumentsIsTwoTables) {
  Course run = run_of(2);
  run.samples = {
      {1, "Who?", "Ann", "one"}, {1, "Who?", "Ann", "two"}, {2, "Who?", "Ann", "three"}, {2, "Who?", "Ann", "four"}};
  const std::string html = report_html(run.report());
  expect_balanced(html);
  std::vector<std::size_t> places;
  for (const char* word : {"one", "three", "two", "four"}) places.push_back(html.find(cat("<bdi>", word, "</bdi>")));
  EXPECT_TRUE(std::is_sorted(places.begin(), places.end()));
  EXPECT_NE(places.back(), std::string::npos);
}

TEST(Report, SmallLossesAndSettingsThatWereNotGiven) {
  Course run = run_of(1);
  run.steps[0].loss = 3.14e-5;
  Report report = run.report();
  report.settings = {{"pose", ""}};
  const std::string html = report_html(report);
  EXPECT_THAT(html, HasSubstr("<dt>last loss</dt><dd>3.1e-05</dd>"));
  EXPECT_THAT(html, HasSubstr("Training: 3.14e-5 at step 1."));
  EXPECT_THAT(html, HasSubstr("pose</th><td class=\"none\">not given</td>"));
}

TEST(Report, NoStepOneStepAndNoNumber) {
  Course run;
  expect_balanced(report_html(run.report()));
  EXPECT_THAT(report_html(run.report()), HasSubstr("No steps yet."));
  run = run_of(1);
  expect_balanced(report_html(run.report()));
  EXPECT_THAT(report_html(run.report()), Not(HasSubstr("nan")));
  run.steps[0].loss = std::numeric_limits<double>::quiet_NaN();
  expect_balanced(report_html(run.report()));
}

TEST_F(TrainTest, TheReportIsWrittenWholeOrNotAtAll) {
  const Course run = run_of(20);
  const auto path = folder() / "report.html";
  write_report(path, run.report());
  const std::string before = read_text(path);
  EXPECT_EQ(before, report_html(run.report()));
  {
    const FileSizeLimit full(1000);
    expect_user_error([&] { write_report(path, run_of(30).report()); }, {path.string(), "make room"});
  }
  EXPECT_EQ(read_text(path), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder()), {}), 1);
}

}  // namespace
}  // namespace tome
