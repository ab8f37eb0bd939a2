#include "eval/scorers/overlap.h"

#include <unordered_map>

#include "text/utf8.h"

namespace tome::eval {
namespace {

Words single_characters(std::string_view text) {
  Words result;
  for (const char32_t code : characters(text)) append_utf8(result.emplace_back(), code);
  return result;
}

}  // namespace

double overlap_f1(const Words& prediction, const Words& reference) {
  std::unordered_map<std::string_view, std::size_t> left;
  for (const std::string& word : reference) ++left[word];
  std::size_t same = 0;
  for (const std::string& word : prediction) {
    const auto found = left.find(word);
    if (found == left.end() || found->second == 0) continue;
    --found->second;
    ++same;
  }
  if (same == 0) return 0;
  const double precision = static_cast<double>(same) / static_cast<double>(prediction.size());
  const double recall = static_cast<double>(same) / static_cast<double>(reference.size());
  return 2 * precision * recall / (precision + recall);
}

double token_f1(std::string_view prediction, std::string_view reference) {
  return overlap_f1(split_words(normalize_answer(prediction)), split_words(normalize_answer(reference)));
}

double character_f1(std::string_view prediction, std::string_view reference) {
  return overlap_f1(single_characters(normalize_chinese(prediction)), single_characters(normalize_chinese(reference)));
}

double exact_match(std::string_view prediction, std::string_view reference) {
  return normalize_answer(prediction) == normalize_answer(reference) ? 1 : 0;
}

}  // namespace tome::eval
