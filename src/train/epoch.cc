#include "train/epoch.h"

#include <algorithm>
#include <deque>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "train/random_numbers.h"

namespace tome {
namespace {

constexpr std::size_t kOpenPasses = 16;

std::vector<std::uint32_t> numbers_below(std::size_t end) {
  std::vector<std::uint32_t> numbers(end);
  std::iota(numbers.begin(), numbers.end(), 0u);
  return numbers;
}

void shuffle(std::vector<std::uint32_t>& values, RandomNumbers random) {
  for (std::size_t left = values.size(); left > 1; --left) std::swap(values[left - 1], values[random.below(left)]);
}

struct OpenPass {
  std::vector<std::uint32_t> examples;
  std::int64_t room = 0;
};

}  // namespace

std::vector<std::uint32_t> shuffled(std::vector<std::uint32_t> values, std::uint64_t seed, std::uint64_t epoch) {
  shuffle(values, RandomNumbers(seed, RandomUse::kOrder, epoch));
  return values;
}

DataSplit hold_out(const TrainingSet& data, std::size_t rows, std::uint64_t seed) {
  if (rows >= data.rows()) {
    throw_user_error("--hold-out: got ", rows, ", but the data has ", data.rows(),
                     " usable lines; hold out fewer, or give a file of its own");
  }
  std::vector<std::uint32_t> order = numbers_below(data.rows());
  shuffle(order, RandomNumbers(seed, RandomUse::kHeldOut));
  std::vector<bool> held(data.rows());
  for (std::size_t i = 0; i < rows; ++i) held[order[i]] = true;
  DataSplit split;
  for (std::uint32_t i = 0; i < data.size(); ++i) (held[data.row_of(i)] ? split.held_out : split.training).push_back(i);
  return split;
}

PassPlan plan_passes(const TrainingSet& data, std::span<const std::uint32_t> order, std::int64_t window, bool pack) {
  PassPlan plan;
  std::deque<OpenPass> open;
  const auto close_oldest = [&] {
    plan.examples.insert(plan.examples.end(), open.front().examples.begin(), open.front().examples.end());
    plan.begins.push_back(plan.examples.size());
    open.pop_front();
  };
  for (const std::uint32_t example : order) {
    const std::int64_t tokens = data.tokens(example);
    TOME_CHECK(tokens <= window, "example ", example, " has ", tokens, " tokens");
    const auto has_room = [&](const OpenPass& pass) { return pass.room >= tokens; };
    auto found = pack ? std::find_if(open.begin(), open.end(), has_room) : open.end();
    if (found == open.end()) {
      if (open.size() == (pack ? kOpenPasses : 1)) close_oldest();
      open.push_back({{}, window});
      found = open.end() - 1;
    }
    found->examples.push_back(example);
    found->room -= tokens;
  }
  while (!open.empty()) close_oldest();
  return plan;
}

}  // namespace tome
