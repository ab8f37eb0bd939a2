#include "train/pack.h"

#include <vector>

#include "base/error.h"

namespace tome {
namespace {

void append_visible(const EncodedExample& example, std::int64_t start, std::vector<ops::KeyRange>& visible) {
  const auto& branches = example.branches;
  const auto row_of = [&](std::size_t branch) { return start + static_cast<std::int64_t>(branches[branch]); };
  std::size_t next = 0;  // the branch that begins after this row
  for (std::size_t i = 0; i < example.ids.size(); ++i) {
    if (next < branches.size() && branches[next] == i) ++next;
    ops::KeyRange range{start, start + static_cast<std::int64_t>(i) + 1};
    if (next > 1) {
      range.gap_begin = row_of(0);
      range.gap_end = row_of(next - 1);
    }
    visible.push_back(range);
  }
}

}  // namespace

TrainingExample pack_examples(std::span<const EncodedExample> examples) {
  TOME_CHECK(!examples.empty());
  TrainingExample pass;
  pass.name = examples.front().name;
  if (examples.size() > 1) pass.name += cat(" and ", examples.size() - 1, " more");
  for (const EncodedExample& example : examples) {
    append_visible(example, static_cast<std::int64_t>(pass.ids.size()), pass.visible);
    pass.ids.insert(pass.ids.end(), example.ids.begin(), example.ids.end());
    pass.targets.insert(pass.targets.end(), example.targets.begin(), example.targets.end());
    pass.positions.insert(pass.positions.end(), example.positions.begin(), example.positions.end());
  }
  return pass;
}

TrainingExample load_examples(const TrainingSet& data, std::span<const std::uint32_t> examples, const PoseOptions& pose,
                              std::uint64_t step) {
  std::vector<EncodedExample> encoded;
  for (const std::uint32_t index : examples) {
    encoded.push_back(data.example(index));
    spread_positions(encoded.back(), pose, step, index);
  }
  return pack_examples(encoded);
}

}  // namespace tome
