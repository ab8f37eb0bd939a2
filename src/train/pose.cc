#include "train/pose.h"

#include <algorithm>
#include <vector>

#include "train/random_numbers.h"

namespace tome {
namespace {

constexpr std::uint64_t kPose = 3;  // purpose

}  // namespace

void spread_positions(EncodedExample& example, const PoseOptions& options, std::uint64_t step, std::uint64_t index) {
  const std::size_t rows = example.ids.size();
  if (options.target_window <= 0 || options.chunks < 2 || rows < 2) return;
  const std::int64_t spare =
      options.target_window - 1 - *std::max_element(example.positions.begin(), example.positions.end());
  if (spare <= 0) return;
  RandomNumbers random(options.seed, kPose, step, index);
  const std::size_t last_cut = example.branches.empty() ? rows - 1 : example.branches.front();
  std::vector<std::size_t> cuts;  // first rows of the runs after the first
  for (std::int64_t i = 1; i < std::min(options.chunks, static_cast<std::int64_t>(rows)); ++i)
    cuts.push_back(1 + random.below(last_cut));
  std::sort(cuts.begin(), cuts.end());
  std::int64_t skip = 0;
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    skip += static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(spare - skip) + 1));
    const std::size_t end = i + 1 < cuts.size() ? cuts[i + 1] : rows;
    for (std::size_t row = cuts[i]; row < end; ++row) example.positions[row] += skip;
  }
}

}  // namespace tome
