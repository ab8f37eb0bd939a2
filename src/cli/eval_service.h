// The model services of an evaluation: their settings from the flags, and what they may cost.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "cli/eval_flags.h"
#include "eval/answerers/api_answerer.h"
#include "eval/run_folder.h"

namespace tome::cli {

/// `folder`: raw answers go to its raw/. `spent`: dollars of earlier parts of the run, which count against
/// --cost-limit. Throws UserError for a price file that does not know the model.
eval::ApiOptions service_options(const AnswererFlags& flags, const ServiceName& name,
                                 const std::filesystem::path& folder, std::function<double()> spent);

/// Dollars that the answers and verdicts of a run have cost.
double spent_in(const eval::RunFolder& folder);

/// Says what the run will cost. Throws UserError when it costs anything and neither --yes nor --cost-limit allows it.
void agree_on_cost(const AnswererFlags& flags, const eval::CostEstimate& estimate);

}  // namespace tome::cli
