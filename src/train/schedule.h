// The learning rate from step to step: a linear rise, then constant, linear or cosine descent to zero.
#pragma once

#include <cstdint>
#include <string>

namespace tome {

enum class ScheduleKind { kConstant, kLinear, kCosine };

struct Schedule {
  ScheduleKind kind = ScheduleKind::kCosine;
  std::int64_t warm_up_steps = 0;
  std::int64_t steps = 1;  // of the whole run

  /// What the base rate is multiplied by at `step`, 0 .. steps - 1; as transformers' get_*_schedule have it, but that
  /// the first step of a warm-up is not zero: (step + 1) / (warm_up_steps + 1).
  double factor(std::int64_t step) const;
};

/// "constant", "linear", "cosine". Throws UserError naming the flag.
ScheduleKind parse_schedule(const std::string& name);

}  // namespace tome
