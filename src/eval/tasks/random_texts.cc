#include "eval/tasks/random_texts.h"

#include <string_view>

#include "base/error.h"
#include "eval/tasks/words.h"

namespace tome::eval {

std::string random_key(Choices& choices, KeyShare share) {
  const auto adjective = static_cast<std::size_t>(choices.below(adjectives().size()));
  auto noun = static_cast<std::size_t>(choices.below(nouns().size() / 2)) * 2;
  if ((adjective % 2 == 1) != (share == KeyShare::kTraining)) ++noun;
  return adjectives()[adjective] + "-" + nouns()[noun];
}

std::string random_number(Choices& choices, int digits) {
  TOME_CHECK(digits >= 1 && digits <= 18);
  std::int64_t least = 1;
  for (int digit = 1; digit < digits; ++digit) least *= 10;
  return std::to_string(choices.between(least, least * 10 - 1));
}

std::string random_uuid(Choices& choices) {
  constexpr std::string_view kPattern = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string uuid(kPattern);
  for (char& place : uuid) {
    if (place == 'x') place = kDigits[static_cast<std::size_t>(choices.below(16))];
    if (place == 'y') place = kDigits[static_cast<std::size_t>(8 + choices.below(4))];
  }
  return uuid;
}

std::string random_letters(Choices& choices, std::size_t count, char first) {
  std::string text;
  while (text.size() < count) text += static_cast<char>(first + static_cast<char>(choices.below(26)));
  return text;
}

std::string Unseen::next(const std::function<std::string()>& make) {
  constexpr int kTries = 10'000;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    std::string text = make();
    if (seen_.insert(text).second) return text;
  }
  throw_user_error("a generated text needs more than ", seen_.size(),
                   " different keys or values; ask for a shorter one");
}

}  // namespace tome::eval
