// Questions of the data that a model is asked while it is trained, to see how its answers grow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "train/training_set.h"

namespace tome {

struct Sample {
  std::string question, expected;         // as the data has them
  std::vector<TokenId> document, prompt;  // what is read; what is asked after it, up to where the answer begins
};

/// The first `count` rows among `examples` that ask something, as training shows them to the model: cut to the window,
/// in the layout's words. Each row gives one sample, its first question (of a conversation: its first exchange).
std::vector<Sample> choose_samples(const TrainingSet& data, std::span<const std::uint32_t> examples, std::size_t count);

/// What the model says as it stands. A callback, because decoding is read/'s.
using AnswerSample = std::function<std::string(const Sample&)>;

}  // namespace tome
