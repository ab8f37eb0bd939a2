// From logits to the next token.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace tome {

struct SamplerOptions {
  float temperature = 0;         // 0: greedy, the highest logit (the lowest id of equals)
  int top_k = 0;                 // keep the k likeliest; 0: all
  float top_p = 1;               // then the fewest whose probabilities reach p
  float min_p = 0;               // then those with at least min_p of the likeliest's probability
  float repetition_penalty = 1;  // logits of tokens already in the answer: positive ones divided, negative multiplied
  std::uint64_t seed = 0;
};

class Sampler {
 public:
  explicit Sampler(const SamplerOptions& options) : options_(options), random_(options.seed) {}

  /// The next token; `recent` are the answer's tokens so far. Changes `logits` (penalty).
  std::int32_t next(std::span<float> logits, std::span<const std::int32_t> recent);

 private:
  std::int32_t draw(std::span<const float> logits);

  SamplerOptions options_;
  std::mt19937_64 random_;
};

}  // namespace tome
