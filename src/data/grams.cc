#include "data/grams.h"

#include <xxhash.h>

#include <algorithm>
#include <cstddef>
#include <string>

namespace tome::data {
namespace {

constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15;  // odd: every power of it is

bool in_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || ((byte | 0x20u) >= 'a' && (byte | 0x20u) <= 'z');
}

std::vector<std::uint64_t> word_hashes(std::string_view text) {
  std::vector<std::uint64_t> hashes;
  std::string word;
  for (std::size_t at = 0; at < text.size();) {
    word.clear();
    for (; at < text.size() && in_word(text[at]); ++at) {
      word += text[at] >= 'A' && text[at] <= 'Z' ? static_cast<char>(text[at] + 32) : text[at];
    }
    if (!word.empty()) hashes.push_back(XXH3_64bits(word.data(), word.size()));
    while (at < text.size() && !in_word(text[at])) ++at;
  }
  return hashes;
}

// The finishing mix of MurmurHash3: neighbouring sums become unlike.
std::uint64_t mixed(std::uint64_t hash) {
  hash = (hash ^ hash >> 33) * 0xFF51AFD7ED558CCD;
  hash = (hash ^ hash >> 33) * 0xC4CEB9FE1A85EC53;
  return hash ^ hash >> 33;
}

}  // namespace

std::vector<std::uint64_t> gram_hashes(std::string_view text, std::size_t length) {
  std::vector<std::uint64_t> words = word_hashes(text);
  if (words.empty()) return words;
  length = std::min(length, words.size());
  std::uint64_t last = 1;  // the factor of the word that leaves
  for (std::size_t i = 0; i < length; ++i) last *= kFactor;
  std::vector<std::uint64_t> grams;
  grams.reserve(words.size() - length + 1);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    sum = sum * kFactor + words[i];
    if (i >= length) sum -= last * words[i - length];
    if (i + 1 >= length) grams.push_back(mixed(sum));
  }
  return grams;
}

std::vector<std::uint64_t> gram_set(std::string_view text, std::size_t length) {
  std::vector<std::uint64_t> grams = gram_hashes(text, length);
  std::sort(grams.begin(), grams.end());
  grams.erase(std::unique(grams.begin(), grams.end()), grams.end());
  return grams;
}

double jaccard(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  std::size_t both = 0;
  for (auto x = a.begin(), y = b.begin(); x != a.end() && y != b.end();) {
    if (*x == *y) {
      ++both;
      ++x;
      ++y;
    } else {
      ++(*x < *y ? x : y);
    }
  }
  const std::size_t either = a.size() + b.size() - both;
  return either == 0 ? 0 : static_cast<double>(both) / static_cast<double>(either);
}

}  // namespace tome::data
