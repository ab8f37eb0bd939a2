// Examples for passes.
#pragma once

#include <vector>

#include "model/forward.h"
#include "train/example.h"

namespace tome {

/// Ids at positions 0, 1, ..., each seeing all before it.
inline TrainingExample plain_example(std::vector<TokenId> ids, std::vector<std::int32_t> targets) {
  TrainingExample e;
  e.name = "plain";
  e.positions = consecutive_positions(0, ids.size());
  e.visible = causal_ranges(0, ids.size(), 0);
  e.ids = std::move(ids);
  e.targets = std::move(targets);
  return e;
}

}  // namespace tome
