#include "train/example.h"

#include <algorithm>

namespace tome {

std::vector<ops::KeyRange> sliding_visible(const TrainingExample& example, std::int64_t window) {
  const std::vector<std::int64_t>& positions = example.positions;
  std::vector<ops::KeyRange> ranges = example.visible;
  for (std::size_t row = 0; row < ranges.size(); ++row) {
    ops::KeyRange& range = ranges[row];
    // The first of keys [begin, end), whose positions grow, that is near enough.
    const auto first_near = [&](std::int64_t begin, std::int64_t end) {
      const auto from = positions.begin();
      return std::upper_bound(from + begin, from + end, positions[row] - window) - from;
    };
    if (!range.has_gap()) {
      range.begin = first_near(range.begin, range.end);
      continue;
    }
    const std::int64_t after_gap = first_near(range.gap_end, range.end);
    const std::int64_t before_gap =
        after_gap > range.gap_end ? range.gap_begin : first_near(range.begin, range.gap_begin);
    if (before_gap == range.gap_begin) {
      range = {after_gap, range.end};
    } else {
      range.begin = before_gap;
    }
  }
  return ranges;
}

}  // namespace tome
