// How sure a score is: intervals, and whether two runs differ on the samples that they share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tome::eval {

struct Interval {
  double low = 0, high = 1;
};

/// 95 % interval of a share of `right` out of `n` (Wilson 1927); 0 .. 1 for n = 0.
Interval wilson(std::size_t right, std::size_t n);

/// 95 % percentile interval of the mean by 10,000 bootstrap samples under a fixed seed; 0 .. 1 without scores.
Interval bootstrap(std::span<const double> scores);

/// Wilson where all scores are 0 or 1, else bootstrap.
Interval mean_interval(std::span<const double> scores);

struct PairedTest {
  std::size_t n = 0;
  double difference = 0;                        // mean of second - first
  Interval interval{-1, 1};                     // 95 %, of the difference, by bootstrap over the pairs
  double p = 1;                                 // two-sided
  std::size_t first_only = 0, second_only = 0;  // pairs in which one scored higher
};

/// Whether the second scores differ from the first, pair by pair. Scores of 0 and 1: McNemar's exact test (the sign
/// test on the pairs that differ); others: a permutation test that flips the signs of the differences (exact up to 16
/// pairs that differ, else 20,000 draws under a fixed seed).
PairedTest paired_test(std::span<const double> first, std::span<const double> second);

}  // namespace tome::eval
