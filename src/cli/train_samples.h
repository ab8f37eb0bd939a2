// The answers that a model gives while it is trained, as tome ask would give them.
#pragma once

#include "base/threads.h"
#include "cli/common.h"
#include "model/adapter.h"
#include "text/layout.h"
#include "train/sample.h"
#include "train/trainer.h"

namespace tome::cli {

/// Greedy answers of at most 32 tokens, with the adapter's numbers of the moment. Borrows all. Of the run: the
/// folder where K and V of a sample's document lie while it is asked, in a file without a name, and the rows of a
/// chunk.
AnswerSample answer_samples(const OpenModel& open, const Adapter& adapter, const Layout& layout, Threads& threads,
                            const TrainerOptions& run);

}  // namespace tome::cli
