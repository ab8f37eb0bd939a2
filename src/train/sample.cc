#include "train/sample.h"

#include <algorithm>
#include <optional>

namespace tome {
namespace {

std::size_t count_answers(const EncodedExample& example) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < example.targets.size(); ++i) {
    const bool begins = example.targets[i] != kNoTarget && (i == 0 || example.targets[i - 1] == kNoTarget);
    count += begins ? 1 : 0;
  }
  return count;
}

// Of an example's first question; nothing for a text.
std::optional<Sample> sample_of(const TrainingSet& data, std::size_t example) {
  const DataRow row = data.row(example);
  if (row.kind == DataRow::Kind::kText) return std::nullopt;
  const EncodedExample encoded = data.example(example, TrainOn::kAnswers);
  const auto answer =
      std::find_if(encoded.targets.begin(), encoded.targets.end(), [](auto id) { return id != kNoTarget; });
  const std::ptrdiff_t last = answer - encoded.targets.begin();  // of the prompt
  const std::ptrdiff_t branch = encoded.branches.empty() ? last : static_cast<std::ptrdiff_t>(encoded.branches.front());
  const std::ptrdiff_t split = std::min(branch, last);
  if (split == 0) return std::nullopt;  // nothing before it to be read
  // A conversation may have lost its oldest exchanges to the window.
  const bool chat = row.kind == DataRow::Kind::kChat;
  const std::size_t first = chat ? row.questions.size() - count_answers(encoded) : 0;
  const QuestionAnswer& pair = row.questions.at(first);
  const auto ids = encoded.ids.begin();
  return Sample{pair.question, pair.answer, {ids, ids + split}, {ids + split, ids + last + 1}};
}

}  // namespace

std::vector<Sample> choose_samples(const TrainingSet& data, std::span<const std::uint32_t> examples,
                                   std::size_t count) {
  std::vector<Sample> samples;
  for (const std::uint32_t example : examples) {
    if (samples.size() == count) break;
    if (example > 0 && data.row_of(example - 1) == data.row_of(example)) continue;
    if (auto sample = sample_of(data, example)) samples.push_back(std::move(*sample));
  }
  return samples;
}

}  // namespace tome
