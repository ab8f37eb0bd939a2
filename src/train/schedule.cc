#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace tome {

double Schedule::factor(std::int64_t step) const {
  if (step < warm_up_steps) return static_cast<double>(step + 1) / static_cast<double>(warm_up_steps + 1);
  const auto left = static_cast<double>(std::max<std::int64_t>(steps - warm_up_steps, 1));
  const double done = static_cast<double>(step - warm_up_steps) / left;
  switch (kind) {
    case ScheduleKind::kLinear:
      return std::max(0.0, 1 - done);
    case ScheduleKind::kCosine:
      return 0.5 * (1 + std::cos(std::numbers::pi * std::min(done, 1.0)));
    default:
      return 1;
  }
}

ScheduleKind parse_schedule(const std::string& name) {
  if (name == "constant") return ScheduleKind::kConstant;
  if (name == "linear") return ScheduleKind::kLinear;
  if (name == "cosine") return ScheduleKind::kCosine;
  throw_user_error("--schedule: got \"", name, "\", expected constant, linear or cosine");
}

}  // namespace tome
