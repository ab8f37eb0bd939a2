// tome eval --tasks ppl: perplexity against position, kept in the run's folder.
#pragma once

#include <vector>

#include "cli/eval_flags.h"
#include "eval/position_loss.h"
#include "eval/run_folder.h"

namespace tome::cli {

/// Measures what positions.jsonl does not have yet, adds it there, and returns all of it. Notes go to stderr.
/// `open`: the model; null: somebody else answers, and that is a UserError.
std::vector<eval::PositionLoss> measure_positions(const EvalFlags& flags, const eval::RunFolder& folder,
                                                  const OpenModel* open);

}  // namespace tome::cli
