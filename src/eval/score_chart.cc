// Scores over lengths as inline SVG.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <set>

#include "base/error.h"
#include "base/number_text.h"
#include "eval/report_parts.h"
#include "text/html_escape.h"

namespace tome::eval {
namespace {

// The drawing's own units; on the page it is scaled to the width that there is.
constexpr double kWidth = 440;
constexpr double kHeight = 230;
constexpr double kLeft = 40;
constexpr double kRight = 16;
constexpr double kTop = 12;
constexpr double kBottom = 38;
constexpr double kMargin = 0.15;  // of a doubling, left and right of the lengths
constexpr std::size_t kColours = 6;

struct Frame {
  double first = 0, last = 1;  // logarithms of the lengths

  double x(double length) const {
    return kLeft + (std::log2(length) - first) / (last - first) * (kWidth - kRight - kLeft);
  }
  static double y(double score) { return kHeight - kBottom - score * (kHeight - kBottom - kTop); }
};

std::set<double> lengths_of(const ScoreChart& chart) {
  std::set<double> lengths;
  for (const ScoreCurve& curve : chart.curves) {
    for (const ScorePoint& point : curve.points) lengths.insert(point.length);
  }
  return lengths;
}

std::string axes(const Frame& frame, const std::set<double>& lengths) {
  std::string out;
  for (const double tick : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    out += print("<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>", kLeft, Frame::y(tick), kWidth - kRight);
    out += print("<text class=\"y\" x=\"%.1f\" y=\"%.1f\">%.2g</text>", kLeft - 6, Frame::y(tick) + 4, tick);
  }
  double taken = -100;
  for (const double length : lengths) {
    const double x = frame.x(length);
    out += print("<path class=\"axis\" d=\"M%.1f %.1fv4\"/>", x, kHeight - kBottom);
    if (x - taken < 36) continue;
    taken = x;
    out += print("<text class=\"x\" x=\"%.1f\" y=\"%.1f\">", x, kHeight - kBottom + 17);
    out += length_text(static_cast<std::int64_t>(length)) + "</text>";
  }
  out += print("<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/>", kLeft, kHeight - kBottom, kWidth - kRight);
  out += print("<text class=\"x\" x=\"%.1f\" y=\"%.1f\">tokens</text>", (kLeft + kWidth - kRight) / 2, kHeight - 4);
  return out;
}

std::string curve_svg(const ScoreCurve& curve, const Frame& frame, std::size_t number) {
  std::string path, marks;
  const double aside = (static_cast<double>(number) - 1) * 2.5;  // intervals of several curves stand side by side
  for (const ScorePoint& point : curve.points) {
    const double x = frame.x(point.length) + aside;
    path += print("%c%.1f %.1f", path.empty() ? 'M' : 'L', x, Frame::y(point.score));
    marks += print("<path class=\"bar\" d=\"M%.1f %.1fV%.1f\"/>", x, Frame::y(point.low), Frame::y(point.high));
    marks += print("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", x, Frame::y(point.score));
  }
  return cat("<g class=\"curve c", number % kColours, "\"><path d=\"", path, "\"/>", marks, "</g>");
}

// "gemma: 0.98 at 4K, 0.61 at 32K."
std::string words(const ScoreCurve& curve) {
  std::string out = curve.name + ": ";
  for (std::size_t i = 0; i < curve.points.size(); ++i) {
    const ScorePoint& point = curve.points[i];
    out += cat(i == 0 ? "" : ", ", print("%.2f", point.score), " at ",
               length_text(static_cast<std::int64_t>(point.length)));
  }
  return out + ". ";
}

}  // namespace

std::string score_chart_html(const ScoreChart& chart) {
  const std::set<double> lengths = lengths_of(chart);
  TOME_CHECK(!lengths.empty() && *lengths.begin() > 0);
  const Frame frame{std::log2(*lengths.begin()) - kMargin, std::log2(*lengths.rbegin()) + kMargin};
  std::string out = cat("<figure><h3>", escape_html(chart.title), "</h3><p class=\"unit\">score, 95 % interval");
  for (std::size_t i = 0; i < chart.curves.size(); ++i) {
    out += cat("<span class=\"key c", i % kColours, "\">", escape_html(chart.curves[i].name), "</span>");
  }
  out += cat("</p><svg viewBox=\"0 0 ", kWidth, " ", kHeight, "\" role=\"img\" aria-labelledby=\"", chart.id,
             "-title\"><title id=\"", chart.id, "-title\">", escape_html(chart.title), ": score over tokens</title>",
             axes(frame, lengths));
  for (std::size_t i = 0; i < chart.curves.size(); ++i) out += curve_svg(chart.curves[i], frame, i);
  out += "</svg><figcaption>";
  for (const ScoreCurve& curve : chart.curves) out += escape_html(words(curve));
  return out + "</figcaption></figure>\n";
}

}  // namespace tome::eval
