#include "eval/statistics.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "eval/choices.h"

namespace tome::eval {
namespace {

constexpr double kNormal = 1.959963984540054;  // 97.5 % of the normal distribution
constexpr std::size_t kResamples = 10000;
constexpr std::size_t kPermutations = 20000;
constexpr std::size_t kExactPairs = 16;
constexpr std::uint64_t kSeed = 1;

bool is_binary(std::span<const double> scores) {
  return std::all_of(scores.begin(), scores.end(), [](double score) { return score == 0 || score == 1; });
}

double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

Interval bootstrap_interval(std::span<const double> values) {
  Choices choices(kSeed, "bootstrap");
  std::vector<double> means(kResamples);
  for (double& one : means) {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
      sum += values[static_cast<std::size_t>(choices.below(values.size()))];
    one = sum / static_cast<double>(values.size());
  }
  std::sort(means.begin(), means.end());
  return {means[kResamples * 25 / 1000], means[kResamples * 975 / 1000 - 1]};
}

// Two-sided probability of a split at least as uneven as `less` against `more` heads of a fair coin.
double sign_test(std::size_t less, std::size_t more) {
  const std::size_t n = less + more;
  if (n == 0) return 1;
  double tail = 0;
  for (std::size_t k = 0; k <= std::min(less, more); ++k) {
    const auto x = static_cast<double>(k);
    const auto all = static_cast<double>(n);
    tail += std::exp(std::lgamma(all + 1) - std::lgamma(x + 1) - std::lgamma(all - x + 1) - all * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

// Sums that differ by rounding alone count as equal.
bool reaches(double sum, double observed) { return std::abs(sum) >= std::abs(observed) * (1 - 1e-12) - 1e-15; }

double exact_permutation(std::span<const double> changes, double observed) {
  const std::size_t all = std::size_t{1} << changes.size();
  std::size_t reached = 0;
  for (std::size_t signs = 0; signs < all; ++signs) {
    double sum = 0;
    for (std::size_t i = 0; i < changes.size(); ++i) sum += (signs >> i & 1) != 0 ? -changes[i] : changes[i];
    reached += reaches(sum, observed) ? 1 : 0;
  }
  return static_cast<double>(reached) / static_cast<double>(all);
}

double drawn_permutation(std::span<const double> changes, double observed) {
  Choices choices(kSeed, "permutation");
  std::size_t reached = 0;
  for (std::size_t draw = 0; draw < kPermutations; ++draw) {
    double sum = 0;
    for (const double change : changes) sum += choices.below(2) == 0 ? change : -change;
    reached += reaches(sum, observed) ? 1 : 0;
  }
  return static_cast<double>(reached + 1) / static_cast<double>(kPermutations + 1);  // the observed one is a draw too
}

}  // namespace

Interval wilson(std::size_t right, std::size_t n) {
  TOME_CHECK(right <= n);
  if (n == 0) return {};
  const auto count = static_cast<double>(n);
  const double share = static_cast<double>(right) / count;
  const double z2 = kNormal * kNormal;
  const double centre = (share + z2 / (2 * count)) / (1 + z2 / count);
  const double half = kNormal / (1 + z2 / count) * std::sqrt(share * (1 - share) / count + z2 / (4 * count * count));
  return {right == 0 ? 0 : std::max(0.0, centre - half), right == n ? 1 : std::min(1.0, centre + half)};
}

Interval bootstrap(std::span<const double> scores) { return scores.empty() ? Interval{} : bootstrap_interval(scores); }

Interval mean_interval(std::span<const double> scores) {
  if (!is_binary(scores)) return bootstrap(scores);
  return wilson(static_cast<std::size_t>(std::count(scores.begin(), scores.end(), 1.0)), scores.size());
}

PairedTest paired_test(std::span<const double> first, std::span<const double> second) {
  TOME_CHECK(first.size() == second.size(), first.size(), " and ", second.size());
  PairedTest result;
  result.n = first.size();
  if (first.empty()) return result;
  std::vector<double> differences(first.size()), changes;
  double observed = 0;
  for (std::size_t i = 0; i < first.size(); ++i) {
    differences[i] = second[i] - first[i];
    if (differences[i] == 0) continue;
    changes.push_back(differences[i]);
    observed += differences[i];
    ++(differences[i] > 0 ? result.second_only : result.first_only);
  }
  result.difference = mean(differences);
  result.interval = bootstrap_interval(differences);
  if (is_binary(first) && is_binary(second)) {
    result.p = sign_test(result.first_only, result.second_only);
  } else if (!changes.empty()) {
    result.p =
        changes.size() <= kExactPairs ? exact_permutation(changes, observed) : drawn_permutation(changes, observed);
  }
  return result;
}

}  // namespace tome::eval
