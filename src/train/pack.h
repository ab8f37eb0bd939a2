// From examples to what one training pass sees.
#pragma once

#include <cstdint>
#include <span>

#include "train/encoded_example.h"
#include "train/example.h"
#include "train/pose.h"
#include "train/training_set.h"

namespace tome {

/// One example, or several one after another that do not see each other.
TrainingExample pack_examples(std::span<const EncodedExample> examples);

/// Reads the examples with these numbers (one pass of a PassPlan), spreads their positions, and joins them.
TrainingExample load_examples(const TrainingSet& data, std::span<const std::uint32_t> examples, const PoseOptions& pose,
                              std::uint64_t step);

}  // namespace tome
