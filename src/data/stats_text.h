// The figures of a training set as lines for a terminal, and as JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "data/stats.h"

namespace tome::data {

/// A histogram's bars with their names: "64-95", "0.1-0.2".
struct NamedBar {
  std::string name;
  std::int64_t count = 0;
};
std::vector<NamedBar> named_bars(const Lengths& lengths);
std::vector<NamedBar> depth_bars(const Stats& stats);

/// The lengths that reports show: tokens where they were counted, else words.
const Lengths& shown_lengths(const TextLengths& lengths);
const char* shown_unit(const Stats& stats);

/// Values by falling count, "(none)" and "(others)" last.
std::vector<NamedBar> field_bars(const FieldValues& values);

std::string stats_text(const Stats& stats);
nlohmann::json stats_json(const Stats& stats);

}  // namespace tome::data
