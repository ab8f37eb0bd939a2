#include "data/minhash.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/random.h"

namespace tome::data {
namespace {

constexpr double kFound = 0.99;
constexpr std::size_t kMostPartners = 16;

// Odd factors: each is another permutation of the hashes, of which the upper half decides.
std::array<std::uint64_t, kMinHashes> make_factors() {
  const RandomStream stream(0x746F6D65, 0);
  std::array<std::uint64_t, kMinHashes> factors;
  for (std::size_t i = 0; i < kMinHashes; ++i) {
    factors[i] = std::uint64_t{stream.bits(2 * i)} << 32 | stream.bits(2 * i + 1) | 1;
  }
  return factors;
}

}  // namespace

double chance(const Banding& banding, double similarity) {
  const double band = std::pow(similarity, static_cast<double>(banding.rows));
  return 1 - std::pow(1 - band, static_cast<double>(banding.bands));
}

Banding banding_for(double threshold) {
  Banding best{kMinHashes, 1};
  for (std::size_t rows = 2; rows <= 16; ++rows) {
    const Banding banding{kMinHashes / rows, rows};
    if (chance(banding, threshold) >= kFound) best = banding;
  }
  return best;
}

std::vector<std::uint32_t> band_hashes(std::span<const std::uint64_t> set, const Banding& banding, std::uint64_t salt) {
  static const std::array<std::uint64_t, kMinHashes> factors = make_factors();
  std::array<std::uint64_t, kMinHashes> least;
  least.fill(std::numeric_limits<std::uint64_t>::max());
  for (const std::uint64_t hash : set) {
    for (std::size_t i = 0; i < kMinHashes; ++i) least[i] = std::min(least[i], factors[i] * hash);
  }
  std::vector<std::uint32_t> bands;
  for (std::size_t band = 0; band < banding.bands; ++band) {
    const std::uint64_t* begin = least.data() + band * banding.rows;
    bands.push_back(
        static_cast<std::uint32_t>(XXH3_64bits_withSeed(begin, banding.rows * sizeof(std::uint64_t), salt)));
  }
  return bands;
}

void BandTable::add(std::uint32_t item, const std::vector<std::uint32_t>& bands) {
  TOME_CHECK(bands.size() == tables_.size());
  for (std::size_t band = 0; band < bands.size(); ++band) tables_[band].emplace_back(bands[band], item);
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> BandTable::candidates() {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (auto& table : tables_) {
    std::sort(table.begin(), table.end());
    for (std::size_t begin = 0; begin < table.size();) {
      std::size_t end = begin;
      for (; end < table.size() && table[end].first == table[begin].first; ++end) {
        for (std::size_t i = begin; i < std::min(end, begin + kMostPartners); ++i) {
          if (table[i].second != table[end].second) pairs.emplace_back(table[end].second, table[i].second);
        }
      }
      begin = end;
    }
    table = {};
  }
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  return pairs;
}

}  // namespace tome::data
