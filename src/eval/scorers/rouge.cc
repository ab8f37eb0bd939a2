#include "eval/scorers/rouge.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "eval/scorers/words.h"
#include "text/letters.h"

namespace tome::eval {
namespace {

using WordId = std::uint32_t;
using Sentence = std::vector<WordId>;

constexpr std::size_t kMostCells = std::size_t{1} << 33;  // one bit each

class Vocabulary {
 public:
  Sentence ids(const Words& words) {
    Sentence result;
    result.reserve(words.size());
    for (const std::string& word : words) {
      result.push_back(ids_.try_emplace(word, static_cast<WordId>(ids_.size())).first->second);
    }
    return result;
  }

 private:
  std::unordered_map<std::string, WordId> ids_;
};

enum class Tie { kLeaveReference, kLeaveCandidate };  // whose last word is left out when both ways are as good

struct CommonWords {
  std::vector<std::size_t> in_reference;  // indices, from the last
  std::size_t steps = 0;                  // of the walk back through the table
};

// The longest common subsequence that a walk from the table's last corner finds.
CommonWords common_words(std::span<const WordId> reference, std::span<const WordId> candidate, Tie tie) {
  const std::size_t rows = reference.size(), columns = candidate.size();
  if (columns != 0 && rows > kMostCells / columns) {
    throw_user_error("ROUGE-L: an answer of ", columns, " words against a reference of ", rows,
                     " words is too long to score; ask for shorter answers");
  }
  std::vector<bool> leave_reference(rows * columns);
  std::vector<std::uint32_t> above(columns + 1), here(columns + 1);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      const std::uint32_t up = above[column + 1], left = here[column];
      here[column + 1] = reference[row] == candidate[column] ? above[column] + 1 : std::max(up, left);
      leave_reference[row * columns + column] = up > left || (up == left && tie == Tie::kLeaveReference);
    }
    std::swap(above, here);
  }
  CommonWords result;
  for (std::size_t row = rows, column = columns; row > 0 && column > 0; ++result.steps) {
    if (reference[row - 1] == candidate[column - 1]) {
      result.in_reference.push_back(--row);
      --column;
    } else if (leave_reference[(row - 1) * columns + column - 1]) {
      --row;
    } else {
      --column;
    }
  }
  return result;
}

// A sentence of nothing but white space is one empty word there.
std::vector<Sentence> package_sentences(std::string_view text, Vocabulary& vocabulary) {
  std::vector<Sentence> sentences;
  for (const std::string_view piece : split_at(text, '.')) {
    if (piece.empty()) continue;
    Words words = split_words(piece);
    if (words.empty()) words.emplace_back();
    sentences.push_back(vocabulary.ids(words));
  }
  return sentences;
}

std::size_t distinct_words(const std::vector<Sentence>& sentences) {
  std::unordered_set<WordId> distinct;
  for (const Sentence& sentence : sentences) distinct.insert(sentence.begin(), sentence.end());
  return distinct.size();
}

std::vector<Sentence> ascii_lines(std::string_view text, Vocabulary& vocabulary) {
  std::vector<Sentence> lines;
  for (const std::string_view line : split_at(text, '\n')) {
    std::string letters = lower_case(line);
    for (char& byte : letters) {
      if ((byte < 'a' || byte > 'z') && (byte < '0' || byte > '9')) byte = ' ';
    }
    lines.push_back(vocabulary.ids(split_words(letters)));
  }
  return lines;
}

std::size_t count_words(const std::vector<Sentence>& sentences, std::unordered_map<WordId, std::size_t>& counts) {
  std::size_t all = 0;
  for (const Sentence& sentence : sentences) {
    all += sentence.size();
    for (const WordId word : sentence) ++counts[word];
  }
  return all;
}

// Indices in `reference` that lie on a common subsequence with any of the candidates.
std::vector<std::size_t> union_of_common(const Sentence& reference, const std::vector<Sentence>& candidates) {
  std::vector<bool> common(reference.size());
  for (const Sentence& candidate : candidates) {
    for (const std::size_t index : common_words(reference, candidate, Tie::kLeaveReference).in_reference) {
      common[index] = true;
    }
  }
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < common.size(); ++i) {
    if (common[i]) indices.push_back(i);
  }
  return indices;
}

double ratio(std::size_t part, std::size_t whole) { return static_cast<double>(part) / static_cast<double>(whole); }

}  // namespace

double rouge_l_package(std::string_view prediction, std::string_view reference, std::size_t most_steps) {
  Vocabulary vocabulary;
  const std::vector<Sentence> candidates = package_sentences(prediction, vocabulary);
  const std::vector<Sentence> references = package_sentences(reference, vocabulary);
  if (candidates.empty() || references.empty()) return 0;
  std::unordered_set<WordId> common;
  for (const Sentence& sentence : references) {
    for (const Sentence& candidate : candidates) {
      if (std::min(sentence.size(), candidate.size()) > most_steps) return 0;  // each step leaves a word of one of them
      const CommonWords found = common_words(sentence, candidate, Tie::kLeaveCandidate);
      if (found.steps > most_steps) return 0;
      for (const std::size_t index : found.in_reference) common.insert(sentence[index]);
    }
  }
  const double precision = ratio(common.size(), distinct_words(candidates));
  const double recall = ratio(common.size(), distinct_words(references));
  return 2 * (precision * recall / (precision + recall + 1e-8));
}

double rouge_l_sum(std::string_view prediction, std::string_view reference) {
  Vocabulary vocabulary;
  const std::vector<Sentence> candidates = ascii_lines(prediction, vocabulary);
  const std::vector<Sentence> references = ascii_lines(reference, vocabulary);
  std::unordered_map<WordId, std::size_t> candidate_left, reference_left;
  const std::size_t candidate_words = count_words(candidates, candidate_left);
  const std::size_t reference_words = count_words(references, reference_left);
  if (candidate_words == 0 || reference_words == 0) return 0;
  std::size_t hits = 0;
  for (const Sentence& sentence : references) {
    for (const std::size_t index : union_of_common(sentence, candidates)) {
      std::size_t& in_candidate = candidate_left[sentence[index]];
      std::size_t& in_reference = reference_left[sentence[index]];
      if (in_candidate == 0 || in_reference == 0) continue;
      --in_candidate;
      --in_reference;
      ++hits;
    }
  }
  if (hits == 0) return 0;
  const double precision = ratio(hits, candidate_words), recall = ratio(hits, reference_words);
  return 2 * precision * recall / (precision + recall);
}

double rouge_l_coco(std::string_view prediction, const std::vector<std::string>& references) {
  constexpr double kBeta = 1.2;
  Vocabulary vocabulary;
  const auto words_of = [&](std::string_view text) {
    Words words = plain_words(text);
    if (words.empty()) words.emplace_back();  // an empty text is one empty word there
    return vocabulary.ids(words);
  };
  const Sentence candidate = words_of(prediction);
  double precision = 0, recall = 0;
  for (const std::string& reference : references) {
    const Sentence words = words_of(reference);
    const std::size_t common = common_words(words, candidate, Tie::kLeaveReference).in_reference.size();
    precision = std::max(precision, ratio(common, candidate.size()));
    recall = std::max(recall, ratio(common, words.size()));
  }
  if (precision == 0 || recall == 0) return 0;
  return (1 + kBeta * kBeta) * precision * recall / (recall + kBeta * kBeta * precision);
}

}  // namespace tome::eval
