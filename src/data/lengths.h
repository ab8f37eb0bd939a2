// How long things are: counts by length in memory that depends on the longest alone, not on how many there are.
#pragma once

#include <cstdint>
#include <vector>

namespace tome::data {

/// Lengths from `from` to `to`, both inclusive.
struct LengthBar {
  std::uint64_t from = 0, to = 0;
  std::int64_t count = 0;
};

/// Lengths below 2,048 are kept as they are, longer ones to one part in 1,024 (rounded down); least, most and mean are
/// exact.
class Lengths {
 public:
  void add(std::uint64_t length, std::int64_t times = 1);
  void add(const Lengths& other);

  std::int64_t count() const { return count_; }
  std::uint64_t sum() const { return sum_; }
  std::uint64_t least() const { return count_ > 0 ? least_ : 0; }
  std::uint64_t most() const { return most_; }
  double mean() const { return count_ > 0 ? static_cast<double>(sum_) / static_cast<double>(count_) : 0; }
  /// The least length that `share` of all do not exceed: of 10 the 5th for 0.5. 0 when there is none.
  std::uint64_t quantile(double share) const;
  /// From the shortest to the longest, each bar ending before 2^k (or 1.5 * 2^k where that gives no more than 16 bars);
  /// these counts are exact.
  std::vector<LengthBar> bars() const;

 private:
  std::vector<std::int64_t> bins_;
  std::int64_t count_ = 0;
  std::uint64_t sum_ = 0, least_ = 0, most_ = 0;
};

}  // namespace tome::data
