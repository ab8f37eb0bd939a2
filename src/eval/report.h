// report.md, report.html, results.json and transcript.md of a run.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "eval/position_loss.h"
#include "eval/report_parts.h"
#include "eval/results.h"
#include "eval/run_folder.h"

namespace tome::eval {

struct RunReport {
  const RunFolder& folder;
  const EvalSet& set;
  std::span<const View> views;
  std::span<const PositionLoss> positions;  // of --tasks ppl
};

/// The sections of a run's report.
std::vector<ReportSection> report_sections(const RunReport& run);

/// Writes all four into the folder, each at once. Throws UserError naming the file.
void write_reports(const RunReport& run);

/// The tables for a terminal.
std::string summary(const RunReport& run);

}  // namespace tome::eval
