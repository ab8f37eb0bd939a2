// What flags take, for CLI11's check().
#pragma once

#include <CLI/CLI.hpp>

namespace tome::cli {

/// A number from `least` to `most`; CLI::Range takes nan.
CLI::Validator between(double least, double most);

/// What parse_count and parse_bytes read; empty: as if it were not given.
CLI::Validator count();
CLI::Validator bytes();

inline constexpr std::int64_t kMostSteps = 1'000'000'000;  // of anything that is counted

}  // namespace tome::cli
