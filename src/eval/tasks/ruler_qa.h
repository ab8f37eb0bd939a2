// The two question sets of RULER (Hsieh et al., 2024): passages of SQuAD 2 or HotpotQA, the right ones among others, up
// to a length.
#pragma once

#include <cstdint>
#include <string_view>

#include "eval/task.h"

namespace tome::eval {

/// `part`: "qa-1" (--data squad=dev-v2.0.json) or "qa-2" (--data hotpotqa=hotpot_dev_distractor_v1.json). `samples`
/// questions, chosen by the seed; each has a document of its own, as many passages as `length` tokens hold with
/// question and answer. Scored by ruler_match_part. Throws UserError for data that is absent or broken, and for a
/// length that does not hold the passages a question needs.
EvalSet make_ruler_qa(const TaskRequest& request, std::string_view part, std::int64_t length, std::int64_t samples);

}  // namespace tome::eval
