#include "train/encoded_example.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace tome {
namespace {

std::vector<std::int64_t> plain_positions(std::size_t rows, const std::vector<std::size_t>& branches) {
  std::vector<std::int64_t> positions(rows);
  std::size_t next = 0;
  std::int64_t position = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    if (next < branches.size() && branches[next] == i) {
      position = static_cast<std::int64_t>(branches.front());
      ++next;
    }
    positions[i] = position++;
  }
  return positions;
}

}  // namespace

EncodedExample ExampleBuilder::finish() {
  const std::size_t rows = example_.ids.size();
  const auto& branches = example_.branches;
  if (branches.size() > 1) {
    for (const std::size_t begin : branches) wanted_[begin] = false;  // no row before it is its own
  }
  example_.targets.assign(rows, kNoTarget);
  for (std::size_t i = 0; i + 1 < rows; ++i) {
    if (wanted_[i + 1]) example_.targets[i] = example_.ids[i + 1];
  }
  if (std::all_of(example_.targets.begin(), example_.targets.end(), [](auto id) { return id == kNoTarget; })) {
    throw_user_error(example_.name, ": has no target, there is nothing to learn from a text of ", rows, " tokens");
  }
  example_.positions = plain_positions(rows, branches);
  return std::move(example_);
}

}  // namespace tome
