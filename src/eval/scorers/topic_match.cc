#include "eval/scorers/topic_match.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/error.h"

namespace tome::eval {
namespace {

// Punctuation beyond ASCII (U+2010 to U+201F: dashes and quotes) is 0xE2 0x80 0x90..0x9F.
bool is_general_punctuation(std::string_view text, std::size_t at) {
  return text.substr(at).starts_with("\xE2\x80") && at + 2 < text.size() &&
         (static_cast<unsigned char>(text[at + 2]) & 0xF0) == 0x90;
}
bool is_apostrophe(char last_byte) { return last_byte == '\x98' || last_byte == '\x99'; }

// Small letters, and blanks for what is no part of a word.
std::string plain_letters(std::string_view text) {
  std::string letters;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (is_general_punctuation(text, at)) {
      if (!is_apostrophe(text[at + 2])) letters += ' ';
      at += 2;
    } else if (c >= 0x80 || std::isalnum(c) != 0) {
      letters += c < 0x80 ? static_cast<char>(std::tolower(c)) : text[at];
    } else if (c != '\'') {
      letters += ' ';
    }
  }
  return letters;
}

}  // namespace

std::string normalise_topic(std::string_view text) {
  std::string words;
  const std::string letters = plain_letters(text);
  for (std::size_t begin = 0; begin < letters.size();) {
    const std::size_t end = std::min(letters.find(' ', begin), letters.size());
    const std::string_view word = std::string_view(letters).substr(begin, end - begin);
    begin = end + 1;
    if (word.empty() || word == "a" || word == "an" || word == "the") continue;
    if (!words.empty()) words += ' ';
    words += word;
  }
  return words;
}

bool names_topic(std::string_view answer, std::string_view topic, std::span<const std::string> others) {
  const std::string wanted = normalise_topic(topic);
  std::vector<std::string> topics = {wanted};
  for (const std::string& other : others) topics.push_back(normalise_topic(other));
  std::erase(topics, std::string());
  std::sort(topics.begin(), topics.end(), [](const std::string& one, const std::string& two) {
    return one.size() != two.size() ? one.size() > two.size() : one < two;
  });
  std::string rest = cat(" ", normalise_topic(answer), " ");
  bool named = false;
  for (const std::string& each : topics) {  // longest first; what is found cannot be part of a shorter one any more
    const std::string words = cat(" ", each, " ");
    for (std::size_t at = rest.find(words); at != std::string::npos; at = rest.find(words)) {
      if (each != wanted) return false;
      named = true;
      rest.replace(at, words.size(), " | ");
    }
  }
  return named;
}

}  // namespace tome::eval
