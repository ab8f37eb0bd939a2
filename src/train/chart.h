// A line chart as inline SVG, with its words and its table: nothing to load, nothing to run.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace tome {

struct Point {
  double step = 0;
  double value = 0;
};

struct Curve {
  std::string name;
  std::vector<Point> points;  // by increasing step
};

enum class AxisFormat {
  kPlain,  // 0.25, 120
  kRate,   // 3e-4
  kBytes,  // values in bytes; the axis in MiB or GiB
};

struct Chart {
  std::string id;     // of the elements that the figure's parts refer to
  std::string title;  // "Loss"
  std::string unit;   // "nats a token"; empty with kBytes
  AxisFormat format = AxisFormat::kPlain;
  bool from_zero = true;      // the axis begins at 0; otherwise at the least value
  std::vector<Curve> curves;  // at least one, at most three
};

/// Round numbers (1, 2 or 5 times a power of ten) that enclose least .. most, about `count` of them. least <= most.
std::vector<double> axis_ticks(double least, double most, int count);

/// At most `most` points: beyond that, each is the mean of as many neighbours as needed, placed at the last one's step.
/// Points that are not finite are left out.
std::vector<Point> thinned(std::span<const Point> points, std::size_t most);

/// <figure>: heading, words, legend, SVG and, folded away, the numbers.
std::string chart_html(const Chart& chart);

}  // namespace tome
