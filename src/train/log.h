// What a run reports about itself, a line of JSON each, in its output folder: log.jsonl (every optimizer step),
// validation.jsonl and samples.jsonl.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "formats/json_lines.h"

namespace tome {

struct StepRecord {
  std::int64_t step = 0;  // from 1
  double loss = 0;        // mean over the target tokens of the step
  double learning_rate = 0;
  std::int64_t target_tokens = 0;
  std::int64_t tokens = 0;  // all that went through the model
  double tokens_per_second = 0;
  double fraction_of_peak = 0;  // of the machine's measured arithmetic peak
  std::uint64_t peak_rss_bytes = 0;
  std::uint64_t peak_private_bytes = 0;
  std::uint64_t spill_bytes = 0;
  bool operator==(const StepRecord&) const = default;
};

struct ValidationRecord {
  std::int64_t step = 0;  // optimizer steps done
  double loss = 0;
  std::int64_t target_tokens = 0;
  bool operator==(const ValidationRecord&) const = default;
};

struct SampleRecord {
  std::int64_t step = 0;
  std::string question, expected, answer;
  bool operator==(const SampleRecord&) const = default;
};

class RunLog {
 public:
  /// Goes on after optimizer step `step`, that of the checkpoint: later lines, which the run will write again, are
  /// dropped, and so is a line that is cut off. 0: the files begin anew. Throws UserError naming the file.
  RunLog(const std::filesystem::path& folder, std::int64_t step);

  void add(const StepRecord& record);
  void add(const ValidationRecord& record);
  void add(const SampleRecord& record);

  /// All of the run, those before it went on too.
  const std::vector<StepRecord>& steps() const { return steps_; }
  const std::vector<ValidationRecord>& validations() const { return validations_; }
  const std::vector<SampleRecord>& samples() const { return samples_; }

 private:
  std::vector<StepRecord> steps_;
  std::vector<ValidationRecord> validations_;
  std::vector<SampleRecord> samples_;
  JsonLines step_file_, validation_file_, sample_file_;
};

}  // namespace tome
