// The model services of an evaluation: their settings from the flags, and what they may cost.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cli/eval_flags.h"
#include "eval/answerers/api_answerer.h"
#include "eval/run_folder.h"

namespace tome::cli {

/// `folder` is borrowed: what its answers and verdicts have cost counts against --cost-limit. Throws UserError for a
/// price file that does not know the model.
eval::ApiOptions service_options(const EvalFlags& flags, const ServiceName& name, const eval::RunFolder& folder);

/// Says what the run will cost. Throws UserError when it costs anything and neither --yes nor --cost-limit allows it.
void agree_on_cost(const EvalFlags& flags, const eval::CostEstimate& estimate);

}  // namespace tome::cli
