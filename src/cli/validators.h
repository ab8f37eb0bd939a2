// What flags take, for CLI11's check().
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>

namespace tome::cli {

/// A number from `least` to `most`; CLI::Range takes nan.
CLI::Validator between(double least, double most);

/// What parse_count and parse_bytes read; empty: as if it were not given.
CLI::Validator count();
CLI::Validator bytes();

/// Steps, rows: so that products of two still fit 64 bits.
inline constexpr std::int64_t kMostCounted = 1'000'000'000;

}  // namespace tome::cli
