// Tasks of the evaluation as training data: their samples are questions about documents, with answers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/row_source.h"
#include "eval/task.h"

namespace tome::data {

/// One row for each document, with its questions in their order; the preferred answer (all of them where the sample
/// asks for all), behind answer_prefix, is the answer. Samples without a document are left out. `count_tokens` measures
/// the documents.
std::vector<BuiltRow> rows_of(const eval::EvalSet& set, const std::string& source, const std::string& licence,
                              const std::function<std::int64_t(std::string_view)>& count_tokens);

/// Asks the task for training samples (TaskRequest::for_training) of lengths that are even over the range on a log
/// scale, with the seed of the request and the number of the portion; keeps rows whose document is within the range.
/// `name` may be of one part ("ruler/vt"). Throws UserError for a task that does not train.
std::unique_ptr<RowSource> make_task_source(const eval::Task& task, const std::string& name,
                                            const BuildRequest& request);

}  // namespace tome::data
