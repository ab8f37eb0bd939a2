// What the answerer is shown of a document: all of it, retrieved passages, nothing.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/eval_flags.h"
#include "eval/run_folder.h"
#include "eval/sample.h"
#include "text/tokenizer.h"

namespace tome::cli {

struct PlannedView {
  std::string name, label;         // eval/results.h: View
  eval::EvalSet set;               // the samples with what is shown of their documents
  std::vector<std::size_t> asked;  // those that this view asks
};

/// The whole text always; passages and nothing for the tasks that always compare, and for all with --retrieve and
/// --no-document. Passages are not sought where `folder` has the answers of all samples already.
std::vector<PlannedView> plan_views(const EvalFlags& flags, const eval::EvalSet& set, const Tokenizer& tokenizer,
                                    const eval::RunFolder& folder);

}  // namespace tome::cli
