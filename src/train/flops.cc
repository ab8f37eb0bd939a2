#include "train/flops.h"

#include <algorithm>

#include "model/adapter.h"

namespace tome {
namespace {

double keys_seen(const ops::KeyRange& range) {
  return static_cast<double>(range.end - range.begin - (range.gap_end - range.gap_begin));
}

// Pairs of a text's rows [first, end) when each sees at most `window` keys (0: all before it).
double causal_pairs(double first, double end, double window) {
  const auto triangle = [](double n) { return n * (n + 1) / 2; };
  if (window == 0) return triangle(end) - triangle(first);
  const auto up_to = [&](double n) { return n <= window ? triangle(n) : triangle(window) + (n - window) * window; };
  return up_to(end) - up_to(first);
}

}  // namespace

PassCounts count_pass(const ModelConfig& config, const TrainingExample& example) {
  PassCounts counts;
  counts.tokens = static_cast<double>(example.ids.size());
  const bool slides = config.sliding_window > 0;
  const auto sliding = slides ? sliding_visible(example, config.sliding_window) : std::vector<ops::KeyRange>{};
  for (std::size_t row = 0; row < example.visible.size(); ++row) {
    const double keys = keys_seen(example.visible[row]);
    const double near = slides ? keys_seen(sliding[row]) : keys;
    counts.global_pairs += keys;
    counts.sliding_pairs += near;
    if (example.targets[row] == kNoTarget) continue;
    ++counts.targets;
    counts.target_global_pairs += keys;
    counts.target_sliding_pairs += near;
  }
  return counts;
}

PassCounts count_text(const ModelConfig& config, std::int64_t tokens, std::int64_t targets) {
  PassCounts counts;
  counts.tokens = static_cast<double>(tokens);
  counts.targets = static_cast<double>(targets);
  const auto window = static_cast<double>(config.sliding_window);
  const double first = counts.tokens - counts.targets;
  counts.global_pairs = causal_pairs(0, counts.tokens, 0);
  counts.sliding_pairs = causal_pairs(0, counts.tokens, window);
  counts.target_global_pairs = causal_pairs(first, counts.tokens, 0);
  counts.target_sliding_pairs = causal_pairs(first, counts.tokens, window);
  return counts;
}

double pass_flops(const ModelConfig& config, const PassCounts& counts, Keep keep) {
  const auto numbers = [&](Matrix m) {
    const auto [out, in] = matrix_shape(config, m);
    return static_cast<double>(out) * static_cast<double>(in);
  };
  const double keys = numbers(Matrix::kKey), values = numbers(Matrix::kValue), queries = numbers(Matrix::kQuery);
  const double output = numbers(Matrix::kOutput), down = numbers(Matrix::kDown);
  const double wide = numbers(Matrix::kGate) + numbers(Matrix::kUp);
  const bool gemma = config.family == Family::kGemma3;  // norms after branches and of heads want their inputs again
  const double heads_width = static_cast<double>(config.heads * config.head_width);

  // Weights that a row of each kind is multiplied with.
  const double row = keys + values + queries + output + wide + down;
  const double norms_again = gemma ? output + down + queries + keys : 0;
  const double again = keep == Keep::kAll ? norms_again : row - down + (gemma ? down + queries + keys : 0);
  double flops = 0;
  for (std::size_t layer = 0; layer < config.layers; ++layer) {
    const bool sliding = config.is_sliding(layer);
    if (layer + 1 < config.layers) {
      const double pairs = sliding ? counts.sliding_pairs : counts.global_pairs;
      flops += 2 * counts.tokens * (2 * row + again);
      flops += 2 * pairs * heads_width * (keep == Keep::kInput ? 9 : 7);
      continue;
    }
    const double pairs = sliding ? counts.target_sliding_pairs : counts.target_global_pairs;
    const double all_rows = keys + values;
    flops += 2 * counts.tokens * (3 * all_rows + (gemma ? keys : 0));
    flops += 2 * counts.targets * (3 * (row - all_rows) - (gemma ? 0 : down) + (gemma ? queries : 0));
    flops += 2 * pairs * heads_width * 9;
  }
  return flops + 4 * counts.targets * static_cast<double>(config.vocabulary * config.width);
}

}  // namespace tome
