#include "train/log.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "base/error.h"
#include "formats/json.h"

namespace tome {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::string dump(const ordered_json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string to_line(const StepRecord& r) {
  return dump({{"step", r.step},
               {"loss", r.loss},
               {"learning_rate", r.learning_rate},
               {"target_tokens", r.target_tokens},
               {"tokens", r.tokens},
               {"tokens_per_second", r.tokens_per_second},
               {"fraction_of_peak", r.fraction_of_peak},
               {"peak_rss_bytes", r.peak_rss_bytes},
               {"peak_private_bytes", r.peak_private_bytes},
               {"spill_bytes", r.spill_bytes}});
}

std::string to_line(const ValidationRecord& r) {
  return dump({{"step", r.step}, {"loss", r.loss}, {"target_tokens", r.target_tokens}});
}

std::string to_line(const SampleRecord& r) {
  return dump({{"step", r.step}, {"question", r.question}, {"expected", r.expected}, {"answer", r.answer}});
}

void read(const json& line, StepRecord& r) {
  line.at("step").get_to(r.step);
  line.at("loss").get_to(r.loss);
  line.at("learning_rate").get_to(r.learning_rate);
  line.at("target_tokens").get_to(r.target_tokens);
  line.at("tokens").get_to(r.tokens);
  line.at("tokens_per_second").get_to(r.tokens_per_second);
  line.at("fraction_of_peak").get_to(r.fraction_of_peak);
  line.at("peak_rss_bytes").get_to(r.peak_rss_bytes);
  line.at("peak_private_bytes").get_to(r.peak_private_bytes);
  line.at("spill_bytes").get_to(r.spill_bytes);
}

void read(const json& line, ValidationRecord& r) {
  line.at("step").get_to(r.step);
  line.at("loss").get_to(r.loss);
  line.at("target_tokens").get_to(r.target_tokens);
}

void read(const json& line, SampleRecord& r) {
  line.at("step").get_to(r.step);
  line.at("question").get_to(r.question);
  line.at("expected").get_to(r.expected);
  line.at("answer").get_to(r.answer);
}

// Lines up to optimizer step `step`; the first that is none of ours ends them.
template <typename Record>
std::vector<Record> read_records(const std::filesystem::path& path, std::int64_t step) {
  std::vector<Record> records;
  if (step == 0) return records;
  std::ifstream file(path, std::ios::binary);
  for (std::string line; std::getline(file, line);) {
    Record record;
    try {
      read(parse_json(std::as_bytes(std::span(line)), path.string(), 2), record);
    } catch (const UserError&) {
      break;
    } catch (const json::exception&) {
      break;
    }
    if (record.step <= step) records.push_back(std::move(record));
  }
  return records;
}

template <typename Record>
std::vector<std::string> lines_of(const std::vector<Record>& records) {
  std::vector<std::string> lines;
  lines.reserve(records.size());
  for (const Record& record : records) lines.push_back(to_line(record));
  return lines;
}

constexpr const char* kSteps = "log.jsonl";
constexpr const char* kValidations = "validation.jsonl";
constexpr const char* kSamples = "samples.jsonl";

}  // namespace

RunLog::RunLog(const std::filesystem::path& folder, std::int64_t step)
    : steps_(read_records<StepRecord>(folder / kSteps, step)),
      validations_(read_records<ValidationRecord>(folder / kValidations, step)),
      samples_(read_records<SampleRecord>(folder / kSamples, step)),
      step_file_(folder / kSteps, lines_of(steps_)),
      validation_file_(folder / kValidations, lines_of(validations_)),
      sample_file_(folder / kSamples, lines_of(samples_)) {}

void RunLog::add(const StepRecord& record) {
  step_file_.add(to_line(record));
  steps_.push_back(record);
}

void RunLog::add(const ValidationRecord& record) {
  validation_file_.add(to_line(record));
  validations_.push_back(record);
}

void RunLog::add(const SampleRecord& record) {
  sample_file_.add(to_line(record));
  samples_.push_back(record);
}

}  // namespace tome
