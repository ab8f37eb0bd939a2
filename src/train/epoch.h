// The order of examples in an epoch, held-out lines, and which examples share a pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "train/training_set.h"

namespace tome {

/// `values` in an order that seed and epoch decide, the same on every machine.
std::vector<std::uint32_t> shuffled(std::vector<std::uint32_t> values, std::uint64_t seed, std::uint64_t epoch);

/// Examples by number; those of one row stay together, in the data's order.
struct DataSplit {
  std::vector<std::uint32_t> training, held_out;
};
/// Holds out `rows` rows that the seed chooses. Throws UserError when none would be left to train on.
DataSplit hold_out(const TrainingSet& data, std::size_t rows, std::uint64_t seed);

/// Examples pass by pass: pass i has examples [begins[i], begins[i + 1]).
struct PassPlan {
  std::vector<std::uint32_t> examples;
  std::vector<std::size_t> begins = {0};  // [passes + 1]

  std::size_t size() const { return begins.size() - 1; }
  std::span<const std::uint32_t> pass(std::size_t index) const {
    return std::span(examples).subspan(begins[index], begins[index + 1] - begins[index]);
  }
};
/// `order`: numbers of examples. Packing: an example goes to the first of the open passes that has room for it; when
/// none has and 16 are open, the oldest is closed. Without packing each example has a pass of its own. No pass has more
/// than `window` tokens.
PassPlan plan_passes(const TrainingSet& data, std::span<const std::uint32_t> order, std::int64_t window, bool pack);

}  // namespace tome
