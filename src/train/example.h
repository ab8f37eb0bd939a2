// What one training pass sees: token ids with their targets, positions and visible keys.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ops/attention.h"
#include "text/tokenizer.h"

namespace tome {

inline constexpr std::int32_t kNoTarget = -1;

/// T tokens in one pass: a single example, one document with several questions, or several short examples packed.
struct TrainingExample {
  std::string name;                     // "qa.jsonl:17", for messages
  std::vector<TokenId> ids;             // [T]
  std::vector<std::int32_t> targets;    // [T] the id that row i must predict, or kNoTarget
  std::vector<std::int64_t> positions;  // [T] for RoPE
  std::vector<ops::KeyRange> visible;   // [T] what each row sees in global layers
};

/// [T] what each row sees in sliding layers: of its visible keys those at the last `window` positions, which where
/// positions have skips are fewer than the last `window` keys.
std::vector<ops::KeyRange> sliding_visible(const TrainingExample& example, std::int64_t window);

}  // namespace tome
