// tome bench train: one training pass, its speed and its memory beside the plan.
#pragma once

#include "cli/bench_run.h"

namespace tome::cli {

/// Adds the command; `flags` outlives it.
void add_bench_train(CLI::App& bench, BenchFlags& flags);

}  // namespace tome::cli
