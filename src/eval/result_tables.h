// What a report says about result rows: tables, charts and counts.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "eval/report_parts.h"
#include "eval/results.h"

namespace tome::eval {

/// One task: scores by length and depth, what the text gave, means over its parts, what a judge said. `number` makes
/// the names of its charts unique on a page; `threshold`, per cent, is that of the effective length; `judge` is the
/// judge's name.
ReportSection task_section(std::span<const ResultRow> all, const std::string& task, std::size_t number,
                           double threshold, const std::string& judge);

/// Every sample is accounted for.
ReportSection counts_section(std::span<const ResultRow> rows);

}  // namespace tome::eval
