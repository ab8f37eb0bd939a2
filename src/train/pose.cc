#include "train/pose.h"

#include <algorithm>
#include <vector>

#include "train/random_numbers.h"

namespace tome {

void spread_positions(EncodedExample& example, const PoseOptions& options, std::uint64_t step, std::uint64_t index) {
  const std::size_t rows = example.ids.size();
  if (options.target_window <= 0 || options.chunks < 2 || rows < 2) return;
  const std::int64_t spare =
      options.target_window - 1 - *std::max_element(example.positions.begin(), example.positions.end());
  if (spare <= 0) return;
  RandomNumbers random(options.seed, RandomUse::kPose, step, index);
  const std::size_t last_cut = example.branches.empty() ? rows - 1 : example.branches.front();
  const std::size_t count = std::min(static_cast<std::size_t>(options.chunks), rows) - 1;
  std::vector<std::uint64_t> cuts, skips;  // of the runs after the first: their first rows, how far they move
  for (std::size_t i = 0; i < count; ++i) {
    cuts.push_back(1 + random.below(last_cut));
    skips.push_back(random.below(static_cast<std::uint64_t>(spare) + 1));
  }
  std::sort(cuts.begin(), cuts.end());
  std::sort(skips.begin(), skips.end());
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t end = i + 1 < count ? cuts[i + 1] : rows;
    for (std::size_t row = cuts[i]; row < end; ++row) example.positions[row] += static_cast<std::int64_t>(skips[i]);
  }
}

}  // namespace tome
