#include "data/bar_chart.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/error.h"
#include "base/number_text.h"
#include "text/html_escape.h"
#include "train/chart.h"

namespace tome::data {
namespace {

// The drawing's own units; on the page it is scaled to the width that there is.
constexpr double kWidth = 440;
constexpr double kHeight = 230;
constexpr double kLeft = 62;
constexpr double kRight = 12;
constexpr double kTop = 12;
constexpr double kBottom = 78;
constexpr double kGap = 0.15;  // of a bar's width, at each side

std::string svg(const BarChart& chart, std::int64_t most) {
  const std::vector<double> ticks = axis_ticks(0, static_cast<double>(most), 5);
  const double floor = kHeight - kBottom;
  const auto y = [&](double value) { return floor - value / ticks.back() * (floor - kTop); };
  std::string out;
  for (const double tick : ticks) {
    if (tick != static_cast<double>(static_cast<std::int64_t>(tick))) continue;
    out += print("<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/><text class=\"y\" x=\"%.1f\" y=\"%.1f\">", kLeft, y(tick),
                 kWidth - kRight, kLeft - 6, y(tick) + 4);
    out += grouped(static_cast<std::int64_t>(tick)) + "</text>";
  }
  const double width = (kWidth - kRight - kLeft) / static_cast<double>(chart.bars.size());
  for (std::size_t i = 0; i < chart.bars.size(); ++i) {
    const double left = kLeft + static_cast<double>(i) * width;
    const double top = y(static_cast<double>(chart.bars[i].count));
    out += print("<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", left + kGap * width, top,
                 (1 - 2 * kGap) * width, floor - top);
    out += print("<text class=\"y\" transform=\"translate(%.1f %.1f) rotate(-45)\">", left + width / 2 + 4, floor + 14);
    out += escape_html(chart.bars[i].name) + "</text>";
  }
  return out + print("<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/>", kLeft, floor, kWidth - kRight);
}

std::string words(const BarChart& chart, std::int64_t all) {
  const auto by_count = [](const NamedBar& a, const NamedBar& b) { return a.count < b.count; };
  const NamedBar& most = *std::max_element(chart.bars.begin(), chart.bars.end(), by_count);
  return cat(grouped(all), " in all; most of them, ", grouped(most.count), ", at ", escape_html(most.name), ".");
}

}  // namespace

std::string bar_chart_html(const BarChart& chart) {
  std::int64_t most = 0, all = 0;
  std::string rows;
  for (const NamedBar& bar : chart.bars) {
    most = std::max(most, bar.count);
    all += bar.count;
    rows += cat("<tr><th scope=\"row\">", escape_html(bar.name), "</th><td>", grouped(bar.count), "</td></tr>");
  }
  if (all == 0) return {};
  return cat("<figure aria-labelledby=\"", chart.id, "\"><h2 id=\"", chart.id, "\">", escape_html(chart.title),
             "</h2><p class=\"unit\">", escape_html(chart.unit), "</p><svg viewBox=\"0 0 ", kWidth, ' ', kHeight,
             "\" role=\"img\" aria-labelledby=\"", chart.id, "\">", svg(chart, most), "</svg><figcaption>",
             words(chart, all),
             "</figcaption><details><summary>The numbers</summary><div class=\"scroll\"><table><tbody>", rows,
             "</tbody></table></div></details></figure>\n");
}

}  // namespace tome::data
