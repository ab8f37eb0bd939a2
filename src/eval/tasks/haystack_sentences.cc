#include <algorithm>
#include <array>
#include <cctype>

#include "base/error.h"
#include "eval/choices.h"
#include "eval/tasks/haystack.h"
#include "eval/tasks/words.h"
#include "text/document.h"

namespace tome::eval {
namespace {

constexpr std::array<std::string_view, 14> kPlain = {
    "The {adjective} {noun} stood beside the {other} for most of the day.",
    "Nobody noticed how {adjective} the {noun} had become since the rain.",
    "Behind the {noun} there was a {adjective} {other}.",
    "They talked about the {noun} and then about the {adjective} {other}.",
    "It was a {adjective} morning, and the {noun} was still in the shade.",
    "Someone had painted a {noun} on the side of the {adjective} {other}.",
    "The {noun} looked {adjective} in the light of the window.",
    "A {adjective} {noun} is not the same thing as a {other}.",
    "From the hill one could see the {noun}, and beyond it the {adjective} {other}.",
    "She remembered the {noun} as rather {adjective}.",
    "He carried the {noun} past the {other} without a word.",
    "In the afternoon the {adjective} {noun} was moved nearer to the {other}.",
    "Most people found the {other} less {adjective} than the {noun}.",
    "There had always been a {noun} here, and it had always been {adjective}."};

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f'; }

// The word before the full stop at `at` is one that a stop follows inside a sentence.
bool is_abbreviation(std::string_view text, std::size_t at) {
  constexpr std::array<std::string_view, 9> kShort = {"Mr", "Mrs", "Dr", "St", "Esq", "No", "vol", "etc", "Messrs"};
  std::size_t begin = at;
  while (begin > 0 && std::isalpha(static_cast<unsigned char>(text[begin - 1])) != 0) --begin;
  const std::string_view word = text.substr(begin, at - begin);
  return word.size() == 1 || std::find(kShort.begin(), kShort.end(), word) != kShort.end();
}

// The end of the sentence's marks (stop and closing quotes) when one ends at `at`; 0 otherwise.
std::size_t sentence_end(std::string_view text, std::size_t at) {
  const char c = text[at];
  if ((c != '.' && c != '!' && c != '?') || (c == '.' && is_abbreviation(text, at))) return 0;
  std::size_t end = at + 1;
  for (bool more = true; more && end < text.size();) {
    more = false;
    for (const std::string_view mark : {"\"", "'", ")", "_", ".", "!", "?", "\xE2\x80\x9D", "\xE2\x80\x99"}) {
      if (!text.substr(end).starts_with(mark)) continue;
      end += mark.size();
      more = true;
    }
  }
  if (end == text.size()) return end;
  std::size_t next = end;
  while (next < text.size() && is_blank(text[next])) ++next;
  const bool goes_on = next < text.size() && std::islower(static_cast<unsigned char>(text[next])) != 0;
  return next > end && !goes_on ? end : 0;
}

// Whether the white space from `at` on holds an empty line; moves `at` behind it.
bool skip_blanks(std::string_view text, std::size_t& at) {
  std::size_t line_ends = 0;
  for (; at < text.size() && is_blank(text[at]); ++at) line_ends += text[at] == '\n' ? 1 : 0;
  return line_ends >= 2;
}

}  // namespace

std::vector<std::string> split_sentences(std::string_view text) {
  std::vector<std::string> sentences;
  std::string sentence;
  const auto finish = [&](std::string_view separator) {
    if (!sentence.empty()) sentences.push_back(sentence + std::string(separator));
    sentence.clear();
  };
  std::size_t at = 0;
  skip_blanks(text, at);
  while (at < text.size()) {
    if (is_blank(text[at])) {
      if (skip_blanks(text, at)) {
        finish("\n\n");
      } else {
        sentence += ' ';
      }
      continue;
    }
    const std::size_t end = sentence_end(text, at);
    if (end == 0) {
      sentence += text[at++];
      continue;
    }
    sentence += text.substr(at, end - at);
    at = end;
    const bool paragraph = skip_blanks(text, at) || at == text.size();
    finish(paragraph ? "\n\n" : " ");
  }
  finish("\n\n");
  return sentences;
}

const std::vector<std::string>& plain_sentences() {
  static const std::vector<std::string> all = [] {
    constexpr std::size_t kCount = 4000, kParagraph = 7;
    Choices choices(1, "plain sentences");
    std::vector<std::string> sentences;
    while (sentences.size() < kCount) {
      const std::string_view pattern = kPlain[static_cast<std::size_t>(choices.below(kPlain.size()))];
      const auto places = choices.several(nouns().size(), 2);
      sentences.push_back(fill_in(
          pattern,
          {{"noun", nouns()[places[0]]}, {"other", nouns()[places[1]]}, {"adjective", choices.one_of(adjectives())}}));
      sentences.back() += sentences.size() % kParagraph == 0 ? "\n\n" : " ";
    }
    return sentences;
  }();
  return all;
}

std::vector<std::string> haystack_sentences(const TaskRequest& request, std::string_view task,
                                            std::vector<std::string>& notes) {
  constexpr std::size_t kFewest = 20;
  const auto path = find_data(request, "haystack", "books");
  if (!path) {
    notes.push_back(cat(task, ": no --data haystack=PATH: its texts are plain sentences that tome makes"));
    return plain_sentences();
  }
  const Document document = read_documents({*path});
  for (const std::string& warning : document.warnings) notes.push_back(warning);
  std::vector<std::string> sentences = split_sentences(document.text);
  if (sentences.size() < kFewest) {
    throw_user_error(path->string(), ": ", sentences.size(), " sentences, expected at least ", kFewest,
                     " to hide facts in");
  }
  return sentences;
}

}  // namespace tome::eval
