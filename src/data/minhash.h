// Texts that are almost equal, without comparing each with each: MinHash ("On the resemblance and containment of
// documents", Broder 1997) in bands (locality-sensitive hashing: Indyk and Motwani 1998). Only hashes are kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace tome::data {

inline constexpr std::size_t kMinHashes = 128;

/// How the 128 least hashes are put into bands: two texts are candidates when a whole band is equal.
struct Banding {
  std::size_t bands = 0, rows = 0;
};

/// The longest bands that still find a pair of this Jaccard similarity with 99 % or more. 0 < threshold <= 1.
Banding banding_for(double threshold);
/// That pairs of this similarity become candidates: 1 - (1 - similarity^rows)^bands.
double chance(const Banding& banding, double similarity);

/// A hash of each band of the least hashes of a set (numbers may stand in it twice); `salt` keeps sets of different
/// kinds apart.
std::vector<std::uint32_t> band_hashes(std::span<const std::uint64_t> set, const Banding& banding, std::uint64_t salt);

/// Items by the hashes of their bands: 8 bytes a band.
class BandTable {
 public:
  explicit BandTable(const Banding& banding) : tables_(banding.bands) {}

  void add(std::uint32_t item, const std::vector<std::uint32_t>& bands);

  /// Pairs (later, earlier) that share a band, each once, by later and then earlier. Where many share one, each is
  /// paired with the earliest 16 of them. Empties the table.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> candidates();

 private:
  std::vector<std::vector<std::pair<std::uint32_t, std::uint32_t>>> tables_;  // hash, item
};

}  // namespace tome::data
