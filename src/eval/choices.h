// Random choices by a seed: the same on every machine, whatever the standard library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"

namespace tome::eval {

class Choices {
 public:
  /// `use` names what the numbers are for ("lines-4096-7"): each use under one seed has numbers of its own.
  Choices(std::uint64_t seed, std::string_view use);

  /// A whole number in [0, count); count > 0. Without bias.
  std::uint64_t below(std::uint64_t count);
  /// In [least, most].
  std::int64_t between(std::int64_t least, std::int64_t most);
  double uniform();  // [0, 1)

  template <typename T>
  const T& one_of(const std::vector<T>& items) {
    return items[static_cast<std::size_t>(below(items.size()))];
  }
  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t left = items.size(); left > 1; --left) {
      std::swap(items[left - 1], items[static_cast<std::size_t>(below(left))]);
    }
  }
  /// `wanted` different indices below `count`, in random order. wanted <= count.
  std::vector<std::size_t> several(std::size_t count, std::size_t wanted);

 private:
  RandomStream stream_;
  std::uint64_t next_ = 0;
};

}  // namespace tome::eval
