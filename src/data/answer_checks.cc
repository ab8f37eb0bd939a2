#include "data/answer_checks.h"

#include <string.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace tome::data {
namespace {

constexpr std::size_t kNowhere = std::string_view::npos;
constexpr int kMostPlaces = 100;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool in_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || ((byte | 0x20u) >= 'a' && (byte | 0x20u) <= 'z');
}

// Linear in the document's length, which std::string_view::find is not.
std::size_t find(std::string_view text, std::string_view part, std::size_t from = 0) {
  const void* found = ::memmem(text.data() + from, text.size() - from, part.data(), part.size());
  return found == nullptr ? kNowhere : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::string with_single_spaces(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!is_space(c)) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  return out;
}

bool ends_within_word(std::string_view document, std::string_view answer) {
  if (count_words(answer) < 3 || !in_word(answer.back())) return false;
  std::size_t at = find(document, answer);
  if (at == kNowhere) return false;
  for (int i = 0; at != kNowhere && i < kMostPlaces; ++i, at = find(document, answer, at + 1)) {
    const std::size_t end = at + answer.size();
    if (end == document.size() || !in_word(document[end])) return false;
  }
  return true;
}

bool in_code(std::string_view answer) {
  std::size_t fences = 0;
  for (std::size_t at = answer.find("```"); at != kNowhere; at = answer.find("```", at + 3)) ++fences;
  return fences % 2 == 1;
}

}  // namespace

std::size_t count_words(std::string_view text) {
  std::size_t words = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    words += !is_space(text[i]) && (i == 0 || is_space(text[i - 1])) ? 1 : 0;
  return words;
}

bool says(std::string_view document, std::string_view words) {
  if (find(document, words) != kNowhere) return true;
  return find(with_single_spaces(document), with_single_spaces(words)) != kNowhere;
}

std::string cut_reason(std::string_view document, std::string_view answer) {
  const bool ellipsis = answer.ends_with("...") || answer.ends_with("\xE2\x80\xA6");
  if (ellipsis && find(document, answer) == kNowhere) return "ends in an ellipsis";
  constexpr std::string_view kOpen = ",;:-([{";
  const char last = answer.empty() ? '.' : answer.back();
  if (kOpen.find(last) != kNowhere) return cat("ends in \"", last, '"');
  if (in_code(answer)) return "ends within a block of code";
  if (ends_within_word(document, answer)) return "ends within a word of its document";
  return {};
}

bool ends_sentence(std::string_view answer) {
  constexpr std::array<std::string_view, 6> kClosing = {"\"", "'", ")", "]", "\xE2\x80\x9D", "\xE2\x80\x99"};
  constexpr std::array<std::string_view, 9> kEnds = {
      ".", "!", "?", "\xE2\x80\xA6", "\xE3\x80\x82", "\xEF\xBC\x81", "\xEF\xBC\x9F", "\xD8\x9F", "\xE0\xA5\xA4"};
  const auto ends_in = [&](std::string_view part) { return answer.ends_with(part); };
  for (;;) {
    const auto* const closing = std::find_if(kClosing.begin(), kClosing.end(), ends_in);
    if (closing != kClosing.end()) {
      answer.remove_suffix(closing->size());
    } else if (answer.ends_with('*') || answer.ends_with('_') || answer.ends_with('`')) {
      answer.remove_suffix(1);
    } else {
      break;
    }
  }
  return std::any_of(kEnds.begin(), kEnds.end(), ends_in);
}

}  // namespace tome::data
