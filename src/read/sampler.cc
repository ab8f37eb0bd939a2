#include "read/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "base/error.h"

namespace tome {

std::int32_t Sampler::next(std::span<float> logits, std::span<const std::int32_t> recent) {
  TOME_CHECK(!logits.empty());
  if (options_.repetition_penalty != 1.0f) {
    for (const std::int32_t id : std::set<std::int32_t>(recent.begin(), recent.end())) {
      float& logit = logits[static_cast<std::size_t>(id)];
      logit = logit > 0 ? logit / options_.repetition_penalty : logit * options_.repetition_penalty;
    }
  }
  if (options_.temperature <= 0) {
    return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  }
  return draw(logits);
}

std::int32_t Sampler::draw(std::span<const float> logits) {
  std::vector<std::int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto likelier = [&](std::int32_t a, std::int32_t b) {
    const float x = logits[static_cast<std::size_t>(a)];
    const float y = logits[static_cast<std::size_t>(b)];
    return x > y || (x == y && a < b);
  };
  const std::size_t keep =
      options_.top_k > 0 ? std::min<std::size_t>(static_cast<std::size_t>(options_.top_k), ids.size()) : ids.size();
  std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(keep), ids.end(), likelier);
  ids.resize(keep);
  const double top = static_cast<double>(logits[static_cast<std::size_t>(ids[0])]);
  std::vector<double> weights(keep);
  double total = 0;
  for (std::size_t i = 0; i < keep; ++i) {
    weights[i] = std::exp((static_cast<double>(logits[static_cast<std::size_t>(ids[i])]) - top) /
                          static_cast<double>(options_.temperature));
    total += weights[i];
  }
  std::size_t count = 0;
  double reached = 0;
  while (count < keep && (count == 0 || (reached < static_cast<double>(options_.top_p) * total &&
                                         weights[count] >= static_cast<double>(options_.min_p) * weights[0]))) {
    reached += weights[count++];
  }
  double point = std::uniform_real_distribution<double>(0, reached)(random_);
  for (std::size_t i = 0; i < count; ++i) {
    point -= weights[i];
    if (point <= 0) return ids[i];
  }
  return ids[count - 1];
}

}  // namespace tome
