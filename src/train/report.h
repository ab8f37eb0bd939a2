// report.html: what a run did, in one file that opens anywhere, needs no network and runs no script.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "train/log.h"

namespace tome {

struct Report {
  std::string title;                                          // "my-adapter"
  std::vector<std::pair<std::string, std::string>> settings;  // in the order to show
  std::int64_t planned_steps = 0;
  std::span<const StepRecord> steps;
  std::span<const ValidationRecord> validations;
  std::span<const SampleRecord> samples;
};

std::string report_html(const Report& report);

/// Replaces `path` at once. Throws UserError naming it.
void write_report(const std::filesystem::path& path, const Report& report);

}  // namespace tome
