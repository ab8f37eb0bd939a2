// A histogram as inline SVG in the style of the training report, with its words and its table.
#pragma once

#include <string>
#include <vector>

#include "data/stats_text.h"

namespace tome::data {

struct BarChart {
  std::string id;     // of the elements that the figure's parts refer to
  std::string title;  // "Length of documents"
  std::string unit;   // "words"
  std::vector<NamedBar> bars;
};

/// <figure>: heading, words, SVG and, folded away, the numbers.
std::string bar_chart_html(const BarChart& chart);

}  // namespace tome::data
