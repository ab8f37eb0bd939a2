#include "eval/scorers/edit_similarity.h"

#include <cmath>
#include <unordered_map>
#include <vector>

#include "eval/scorers/words.h"

namespace tome::eval {
namespace {

struct Block {
  std::size_t a = 0, b = 0, size = 0;
};

struct Part {
  std::size_t a_begin, a_end, b_begin, b_end;
};

class Matcher {
 public:
  Matcher(std::u32string_view a, std::u32string_view b) : a_(a), b_(b), before_(b.size() + 1), here_(b.size() + 1) {
    constexpr std::size_t kLong = 200;
    for (std::size_t i = 0; i < b.size(); ++i) places_[b[i]].push_back(i);
    if (b.size() < kLong) return;
    std::erase_if(places_, [&](const auto& entry) { return entry.second.size() > b.size() / 100 + 1; });
  }

  std::size_t matching_characters() {
    std::size_t matching = 0;
    std::vector<Part> parts = {{0, a_.size(), 0, b_.size()}};
    while (!parts.empty()) {
      const Part part = parts.back();
      parts.pop_back();
      const Block block = longest_block(part);
      if (block.size == 0) continue;
      matching += block.size;
      parts.push_back({part.a_begin, block.a, part.b_begin, block.b});
      parts.push_back({block.a + block.size, part.a_end, block.b + block.size, part.b_end});
    }
    return matching;
  }

 private:
  // The longest run of characters that may begin a match, the leftmost in a, then in b; grown by equal neighbours.
  Block longest_block(const Part& part) {
    Block best{part.a_begin, part.b_begin, 0};
    std::vector<std::size_t> touched, touched_before;
    for (std::size_t i = part.a_begin; i < part.a_end; ++i) {
      const auto found = places_.find(a_[i]);
      if (found != places_.end()) {
        for (const std::size_t j : found->second) {
          if (j < part.b_begin) continue;
          if (j >= part.b_end) break;
          const std::size_t size = here_[j + 1] = before_[j] + 1;
          touched.push_back(j + 1);
          if (size > best.size) best = {i + 1 - size, j + 1 - size, size};
        }
      }
      for (const std::size_t j : touched_before) before_[j] = 0;
      std::swap(before_, here_);
      std::swap(touched, touched_before);
      touched.clear();
    }
    for (const std::size_t j : touched_before) before_[j] = 0;
    return grown(best, part);
  }

  Block grown(Block block, const Part& part) const {
    while (block.a > part.a_begin && block.b > part.b_begin && a_[block.a - 1] == b_[block.b - 1]) {
      --block.a;
      --block.b;
      ++block.size;
    }
    while (block.a + block.size < part.a_end && block.b + block.size < part.b_end &&
           a_[block.a + block.size] == b_[block.b + block.size]) {
      ++block.size;
    }
    return block;
  }

  std::u32string_view a_, b_;
  std::unordered_map<char32_t, std::vector<std::size_t>> places_;  // in b, ascending
  std::vector<std::size_t> before_, here_;  // [j + 1]: length of the run that ends at b[j] and the last or this a[i]
};

}  // namespace

double difflib_ratio(std::u32string_view a, std::u32string_view b) {
  const std::size_t all = a.size() + b.size();
  if (all == 0) return 1;
  return 2.0 * static_cast<double>(Matcher(a, b).matching_characters()) / static_cast<double>(all);
}

int fuzz_ratio(std::string_view a, std::string_view b) {
  if (a == b) return 100;
  if (a.empty() || b.empty()) return 0;
  return static_cast<int>(std::nearbyint(100 * difflib_ratio(characters(a), characters(b))));
}

}  // namespace tome::eval
