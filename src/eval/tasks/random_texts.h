// Random keys, numbers and codes, none of them twice.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>

#include "eval/choices.h"

namespace tome::eval {

/// Halves of all keys: what is measured with and what is trained on share none.
enum class KeyShare { kMeasuring, kTraining };

/// "amber-anchor": about 265,000 in each share.
std::string random_key(Choices& choices, KeyShare share = KeyShare::kMeasuring);
/// Without leading zero. digits in 1..18.
std::string random_number(Choices& choices, int digits);
/// Of version 4, small letters (RFC 9562).
std::string random_uuid(Choices& choices);
/// `count` letters from `first` ('a' or 'A') on.
std::string random_letters(Choices& choices, std::size_t count, char first);

/// What was said already, so that nothing is said twice.
class Unseen {
 public:
  /// Calls `make` until it gives something new. Throws UserError when that hardly happens any more.
  std::string next(const std::function<std::string()>& make);

 private:
  std::unordered_set<std::string> seen_;
};

}  // namespace tome::eval
