// Answers that LongEval's eval.py wrote to N_response.txt, one after another:
//   Label: 2416, Predict: The <REGISTER_CONTENT> is <2416>., Parsed: 2416, prompt length: 4683
// and "Accuracy: 0.96" at the end. A prediction may go over several lines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tome::eval {

struct LongEvalResponse {
  std::string label;                  // the expected number
  std::string prediction;             // the answer, as it was written
  std::optional<std::string> parsed;  // the number that LongEval took from it; nothing: it found none (-1)
  std::int64_t prompt_tokens = 0;
};

struct LongEvalResponses {
  std::vector<LongEvalResponse> responses;
  std::optional<double> accuracy;  // as the file says
};

/// Throws UserError: `FILE: line N: reason` for text that is no such record, `FILE: reason` for a file without any.
LongEvalResponses read_longeval_responses(const std::filesystem::path& path);

}  // namespace tome::eval
