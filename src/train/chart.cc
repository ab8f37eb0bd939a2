#include "train/chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "base/number_text.h"
#include "text/html_escape.h"

namespace tome {
namespace {

// The drawing's own units; on the page it is scaled to the width that there is.
constexpr double kWidth = 440;
constexpr double kHeight = 230;
constexpr double kLeft = 52;
constexpr double kRight = 12;
constexpr double kTop = 12;
constexpr double kBottom = 38;
constexpr std::size_t kMostPoints = 300;
constexpr std::size_t kMostRows = 100;
constexpr std::size_t kMarkedPoints = 40;  // few points are drawn as dots too; one alone would make no line

// How numbers of one chart are shown.
struct Scale {
  double divisor = 1;
  int tick_decimals = 0;
  std::string unit;
  bool exponent = false;

  std::string show_tick(double value) const { return show(value, tick_decimals); }
  // Four digits or more, in words and in the table.
  std::string show_exactly(double value) const {
    const double size = std::abs(value / divisor);
    if (size > 0 && size < 0.001) return show_exponent(value / divisor);
    return show(value, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 4);
  }
  std::string show(double value, int decimals) const {
    if (exponent) return value == 0 ? "0" : show_exponent(value);
    return print("%.*f", decimals, value / divisor);
  }
  // 3e-4 and not 3.000000e-04
  static std::string show_exponent(double value) {
    const int power = static_cast<int>(std::floor(std::log10(std::abs(value)) + 1e-9));
    return cat(print("%.3g", value / std::pow(10.0, power)), "e", power);
  }
};

int decimals_of(double step) { return std::clamp(static_cast<int>(-std::floor(std::log10(step) + 1e-9)), 0, 9); }

struct Frame {
  double first_step = 0;
  double last_step = 1;
  std::vector<double> x_ticks, y_ticks;
  Scale scale;

  double x(double step) const {
    return kLeft + (step - first_step) / (last_step - first_step) * (kWidth - kRight - kLeft);
  }
  double y(double value) const {
    const double part = (value / scale.divisor - y_ticks.front()) / (y_ticks.back() - y_ticks.front());
    return kHeight - kBottom - part * (kHeight - kBottom - kTop);
  }
};

Frame make_frame(const Chart& chart, const std::vector<Curve>& curves) {
  Frame frame;
  frame.first_step = INFINITY;
  frame.last_step = -INFINITY;
  double least = chart.from_zero ? 0 : INFINITY;
  double most = -INFINITY;
  for (const Curve& curve : curves) {
    for (const Point& point : curve.points) {
      frame.first_step = std::min(frame.first_step, point.step);
      frame.last_step = std::max(frame.last_step, point.step);
      least = std::min(least, point.value);
      most = std::max(most, point.value);
    }
  }
  if (frame.first_step == frame.last_step) {
    frame.first_step -= 1;
    frame.last_step += 1;
  }
  frame.x_ticks = axis_ticks(frame.first_step, frame.last_step, 8);
  std::erase_if(frame.x_ticks, [&](double tick) {
    return tick != std::floor(tick) || tick < frame.first_step || tick > frame.last_step;
  });
  frame.scale.unit = chart.unit;
  if (chart.format == AxisFormat::kBytes) {
    const bool large = most >= 2.0 * (1 << 30);
    frame.scale.divisor = large ? 1 << 30 : 1 << 20;
    frame.scale.unit = large ? "GiB" : "MiB";
  }
  frame.y_ticks = axis_ticks(least / frame.scale.divisor, most / frame.scale.divisor, 5);
  frame.scale.exponent = chart.format == AxisFormat::kRate;
  frame.scale.tick_decimals = decimals_of(frame.y_ticks[1] - frame.y_ticks[0]);
  return frame;
}

std::string svg_axes(const Frame& frame) {
  std::string out;
  for (const double tick : frame.y_ticks) {
    const double y = frame.y(tick * frame.scale.divisor);
    out += print("<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>", kLeft, y, kWidth - kRight);
    out += print("<text class=\"y\" x=\"%.1f\" y=\"%.1f\">", kLeft - 6, y + 4);
    out += frame.scale.show_tick(tick * frame.scale.divisor) + "</text>";
  }
  for (const double tick : frame.x_ticks) {
    out += print("<path class=\"axis\" d=\"M%.1f %.1fv4\"/>", frame.x(tick), kHeight - kBottom);
    out += print("<text class=\"x\" x=\"%.1f\" y=\"%.1f\">%.0f</text>", frame.x(tick), kHeight - kBottom + 17, tick);
  }
  out += print("<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/>", kLeft, kHeight - kBottom, kWidth - kRight);
  out += print("<text class=\"x\" x=\"%.1f\" y=\"%.1f\">optimizer step</text>", (kLeft + kWidth - kRight) / 2,
               kHeight - 4);
  return out;
}

std::string svg_curve(const Curve& curve, const Frame& frame, std::size_t number) {
  std::string path;
  std::string dots;
  for (const Point& point : curve.points) {
    path += print("%c%.1f %.1f", path.empty() ? 'M' : 'L', frame.x(point.step), frame.y(point.value));
    if (curve.points.size() > kMarkedPoints) continue;
    dots += print("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\"/>", frame.x(point.step), frame.y(point.value));
  }
  return cat("<g class=\"curve c", number, "\"><path d=\"", path, "\"/>", dots, "</g>");
}

std::string at_step(const Frame& frame, const Point& point) {
  return cat(frame.scale.show_exactly(point.value), " at step ", print("%.0f", point.step));
}

// "Training: 2.31 at step 1, 0.42 at step 200; lowest 0.40 at step 190, highest 2.31 at step 1."
std::string words(const Curve& curve, const Frame& frame) {
  const auto by_value = [](const Point& a, const Point& b) { return a.value < b.value; };
  const auto [least, most] = std::minmax_element(curve.points.begin(), curve.points.end(), by_value);
  std::string out = curve.name + ": ";
  if (curve.points.size() > 1 && least->value == most->value) {
    return out + frame.scale.show_exactly(least->value) + " throughout.";
  }
  out += at_step(frame, curve.points.front());
  if (curve.points.size() > 1) {
    out += cat(", ", at_step(frame, curve.points.back()), "; lowest ", at_step(frame, *least), ", highest ",
               at_step(frame, *most));
  }
  return out + ".";
}

std::string table(const Chart& chart, const Frame& frame) {
  std::string tables;
  bool means = false;
  for (const Curve& curve : chart.curves) {
    const std::vector<Point> rows = thinned(curve.points, kMostRows);
    if (rows.empty()) continue;
    means = means || rows.size() < curve.points.size();
    tables += cat("<table><caption>", escape_html(curve.name), "</caption><thead><tr><th scope=\"col\">step</th>",
                  "<th scope=\"col\">", escape_html(frame.scale.unit), "</th></tr></thead><tbody>");
    for (const Point& row : rows) {
      tables +=
          cat("<tr><td>", print("%.0f", row.step), "</td><td>", frame.scale.show_exactly(row.value), "</td></tr>");
    }
    tables += "</tbody></table>";
  }
  return cat("<details><summary>The numbers", means ? ", means of neighbouring steps; all of them are in the log" : "",
             "</summary><div class=\"scroll\">", tables, "</div></details>");
}

}  // namespace

std::vector<double> axis_ticks(double least, double most, int count) {
  TOME_CHECK(least <= most && count >= 2, least, " .. ", most);
  if (least == most) {
    const double around = least == 0 ? 1 : std::abs(least) / 2;
    if (least != 0) least -= around;
    most += around;
  }
  const double wanted = (most - least) / (count - 1);
  const double power = std::pow(10.0, std::floor(std::log10(wanted)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= wanted * 0.999) step = factor * power;
  }
  std::vector<double> ticks;
  const auto first = static_cast<long>(std::floor(least / step + 1e-9));
  const auto last = static_cast<long>(std::ceil(most / step - 1e-9));
  for (long i = first; i <= last; ++i) ticks.push_back(static_cast<double>(i) * step);
  return ticks;
}

std::vector<Point> thinned(std::span<const Point> points, std::size_t most) {
  std::vector<Point> finite;
  std::copy_if(points.begin(), points.end(), std::back_inserter(finite),
               [](const Point& point) { return std::isfinite(point.value) && std::isfinite(point.step); });
  if (finite.size() <= most) return finite;
  const std::size_t together = (finite.size() + most - 1) / most;
  std::vector<Point> out;
  for (std::size_t i = 0; i < finite.size(); i += together) {
    const std::size_t end = std::min(i + together, finite.size());
    double sum = 0;
    for (std::size_t j = i; j < end; ++j) sum += finite[j].value;
    out.push_back({finite[end - 1].step, sum / static_cast<double>(end - i)});
  }
  return out;
}

std::string chart_html(const Chart& chart) {
  TOME_CHECK(!chart.curves.empty() && chart.curves.size() <= 3);
  std::vector<Curve> drawn;
  bool means = false;
  for (const Curve& curve : chart.curves) {
    drawn.push_back({curve.name, thinned(curve.points, kMostPoints)});
    means = means || curve.points.size() > kMostPoints;
  }
  std::string out = cat("<figure><h2>", escape_html(chart.title), "</h2>");
  if (drawn[0].points.empty()) return out + "<p>No steps yet.</p></figure>\n";
  const Frame frame = make_frame(chart, drawn);
  out += cat("<p class=\"unit\">", escape_html(frame.scale.unit), means ? " (means of neighbouring steps)" : "");
  for (std::size_t i = 0; i < drawn.size() && drawn.size() > 1; ++i) {
    out += cat("<span class=\"key c", i, "\">", escape_html(drawn[i].name), "</span>");
  }
  out += cat("</p><svg viewBox=\"0 0 ", kWidth, " ", kHeight, "\" role=\"img\" aria-labelledby=\"", chart.id,
             "-title\" aria-describedby=\"", chart.id, "-words\"><title id=\"", chart.id, "-title\">",
             escape_html(chart.title), ", ", escape_html(frame.scale.unit), ", by optimizer step</title>",
             svg_axes(frame));
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    if (!drawn[i].points.empty()) out += svg_curve(drawn[i], frame, i);
  }
  out += cat("</svg><figcaption id=\"", chart.id, "-words\">");
  for (const Curve& curve : chart.curves) {
    const Curve all{curve.name, thinned(curve.points, curve.points.size())};
    if (!all.points.empty()) out += escape_html(words(all, frame)) + " ";
  }
  return out + "</figcaption>" + table(chart, frame) + "</figure>\n";
}

}  // namespace tome
