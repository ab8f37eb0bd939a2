#include "eval/choices.h"

#include <xxhash.h>

#include <limits>
#include <unordered_set>

#include "base/error.h"

namespace tome::eval {

Choices::Choices(std::uint64_t seed, std::string_view use) : stream_(seed, XXH3_64bits(use.data(), use.size())) {}

std::uint64_t Choices::below(std::uint64_t count) {
  TOME_CHECK(count > 0);
  const std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t even = largest - largest % count;  // numbers from here on would favour small results
  for (;;) {
    const PhiloxBlock block = stream_.block(next_++);
    const std::uint64_t number = std::uint64_t{block[0]} << 32 | block[1];
    if (number < even) return number % count;
  }
}

std::int64_t Choices::between(std::int64_t least, std::int64_t most) {
  TOME_CHECK(least <= most);
  return least + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least) + 1));
}

double Choices::uniform() { return static_cast<double>(RandomStream::unit(stream_.block(next_++)[0])); }

std::vector<std::size_t> Choices::several(std::size_t count, std::size_t wanted) {
  TOME_CHECK(wanted <= count);
  std::unordered_set<std::size_t> taken;  // Floyd's sampling
  std::vector<std::size_t> result;
  for (std::size_t last = count - wanted; last < count; ++last) {
    const auto number = static_cast<std::size_t>(below(last + 1));
    const std::size_t chosen = taken.insert(number).second ? number : last;
    if (chosen != number) taken.insert(chosen);
    result.push_back(chosen);
  }
  shuffle(result);
  return result;
}

}  // namespace tome::eval
