// Runs of n words as hashes: what duplicates and leaked questions are found by.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace tome::data {

/// One 64-bit hash of each run of `length` words, in their order. Words are letters and digits, ASCII's in lower case;
/// whatever else stands between them does not count. A text of fewer words is one run; one without words has none.
std::vector<std::uint64_t> gram_hashes(std::string_view text, std::size_t length);

/// The same, each once and sorted.
std::vector<std::uint64_t> gram_set(std::string_view text, std::size_t length);

/// Elements in both over elements in either, of sorted sets; 0 when both are empty.
double jaccard(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b);

}  // namespace tome::data
