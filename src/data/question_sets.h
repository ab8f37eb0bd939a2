// Published sets of questions about long texts, in the layouts in which they are published, joined with their
// documents.
#pragma once

#include <memory>
#include <string_view>

#include "data/row_source.h"

namespace tome::data {

/// By --data NAME=PATH:
/// "narrativeqa": the folder of github.com/google-deepmind/narrativeqa (documents.csv, qaps.csv, texts tmp/ID.content).
/// "quality": a .jsonl of github.com/nyu-mll/quality: the options are part of the question, the gold one is the answer.
/// "longalpaca": the JSON array of github.com/dvlab-research/LongLoRA; what stands before "Now the ... ends." is the
///     document, short instructions are left out.
/// "longbench": a .jsonl of github.com/THUDM/LongBench (context, input, answers).
/// "rows": training rows, those of one document joined.
/// Documents outside the range of tokens are left out, and rows have at most as many questions as are asked for: a
/// document with more becomes several rows. In an order by the seed. Null for another name.
/// Throws UserError, with file and line, for what is broken.
bool is_question_set(std::string_view name);
std::unique_ptr<RowSource> make_question_set(std::string_view name, const BuildRequest& request);

}  // namespace tome::data
