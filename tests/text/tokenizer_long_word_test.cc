// Words too long for one heap of pairs, against the definition: look at all pairs, merge the best, begin again.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "tokenizer_vocabulary.h"

namespace tome {
namespace {

constexpr std::size_t kLong = 2500;

using Key = std::tuple<double, double, double, double>;
/// When two neighbours merge, smaller first; nothing: never.
using Rule = std::function<std::optional<Key>(const std::string& left, const std::string& right)>;

Strings merge_by_definition(const std::string& word, const Rule& rule) {
  Strings parts;
  for (const char c : word) parts.emplace_back(1, c);
  while (true) {
    std::optional<Key> best;
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const std::optional<Key> key = rule(parts[i], parts[i + 1]);
      if (key && (!best || *key < *best)) {
        best = key;
        at = i;
      }
    }
    if (!best) return parts;
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

std::string random_word(std::mt19937& random, std::size_t letters, std::size_t size) {
  std::string word;
  for (std::size_t i = 0; i < size; ++i) word += static_cast<char>('a' + random() % letters);
  return word;
}

/// Letters and random longer pieces, most of which no merge of shorter ones gives.
Strings random_pieces(std::mt19937& random) {
  std::set<std::string> pieces;
  while (pieces.size() < 40) pieces.insert(random_word(random, 4, 2 + random() % 5));
  Strings all{"a", "b", "c", "d"};
  all.insert(all.end(), pieces.begin(), pieces.end());
  std::shuffle(all.begin(), all.end(), random);
  all.insert(all.begin(), "<unk>");
  return all;
}

Strings texts_of(const Strings& tokens, const std::vector<TokenId>& ids) {
  Strings texts;
  for (const TokenId id : ids) texts.push_back(tokens[static_cast<std::size_t>(id)]);
  return texts;
}

Vocabulary with_pieces(const std::string& architecture, const Strings& tokens) {
  Vocabulary vocabulary;
  vocabulary.architecture = architecture;
  vocabulary.model = "llama";
  vocabulary.tokens = tokens;
  vocabulary.types = std::vector<std::int32_t>(tokens.size(), 1);
  vocabulary.types->front() = 2;
  vocabulary.scores = std::vector<float>(tokens.size(), 0.0f);
  vocabulary.merges.reset();
  vocabulary.add_space_prefix = false;
  vocabulary.ids = {{"unknown", 0}};
  return vocabulary;
}

TEST(LongWords, ByScoresWithManyEqualOnes) {
  std::mt19937 random(1);
  for (int round = 0; round < 4; ++round) {
    Vocabulary vocabulary = with_pieces("llama", random_pieces(random));
    std::map<std::string, float> scores;
    for (std::size_t i = 0; i < vocabulary.tokens->size(); ++i) {
      scores[(*vocabulary.tokens)[i]] = (*vocabulary.scores)[i] = -static_cast<float>(random() % 4);
    }
    const Rule rule = [&](const std::string& left, const std::string& right) -> std::optional<Key> {
      const auto found = scores.find(left + right);
      if (found == scores.end()) return std::nullopt;
      return Key{-found->second, -static_cast<double>(left.size()), -static_cast<double>(right.size()),
                 static_cast<double>(std::find(vocabulary.tokens->begin(), vocabulary.tokens->end(), found->first) -
                                     vocabulary.tokens->begin())};
    };
    const std::string word = random_word(random, 4, kLong);
    EXPECT_EQ(texts_of(*vocabulary.tokens, encode_with(vocabulary, word)), merge_by_definition(word, rule)) << round;
  }
}

TEST(LongWords, ByIds) {
  std::mt19937 random(2);
  for (int round = 0; round < 4; ++round) {
    const Vocabulary vocabulary = with_pieces("gemma3", random_pieces(random));
    std::map<std::string, double> ids;
    for (const std::string& token : *vocabulary.tokens) ids.emplace(token, ids.size());
    const Rule rule = [&](const std::string& left, const std::string& right) -> std::optional<Key> {
      const auto found = ids.find(left + right);
      if (found == ids.end()) return std::nullopt;
      return Key{found->second, 0, 0, 0};
    };
    const std::string word = random_word(random, 4, kLong);
    EXPECT_EQ(texts_of(*vocabulary.tokens, encode_with(vocabulary, word)), merge_by_definition(word, rule)) << round;
  }
}

TEST(LongWords, ByMergesInAnyOrder) {
  std::mt19937 random(3);
  for (int round = 0; round < 4; ++round) {
    Strings tokens{"<end>", "a", "b", "c", "d"};
    std::vector<std::pair<std::string, std::string>> pairs;
    while (pairs.size() < 40) {
      const auto any = [&] { return tokens[1 + random() % (tokens.size() - 1)]; };
      const std::string left = any();
      const std::string right = any();
      if (std::find(pairs.begin(), pairs.end(), std::pair(left, right)) != pairs.end()) continue;
      if (left.size() + right.size() > 12) continue;
      if (std::find(tokens.begin(), tokens.end(), left + right) == tokens.end()) tokens.push_back(left + right);
      pairs.emplace_back(left, right);
    }
    std::shuffle(pairs.begin(), pairs.end(), random);
    Vocabulary vocabulary;
    vocabulary.tokens = tokens;
    vocabulary.types = std::vector<std::int32_t>(tokens.size(), 1);
    vocabulary.types->front() = 3;
    vocabulary.scores.reset();
    vocabulary.merges.emplace();
    vocabulary.ids = {{"bos", 0}, {"eos", 0}};
    for (const auto& [left, right] : pairs) vocabulary.merges->push_back(left + ' ' + right);
    const Rule rule = [&](const std::string& left, const std::string& right) -> std::optional<Key> {
      const auto found = std::find(pairs.begin(), pairs.end(), std::pair(left, right));
      if (found == pairs.end()) return std::nullopt;
      return Key{static_cast<double>(found - pairs.begin()), 0, 0, 0};
    };
    const std::string word = random_word(random, 4, kLong);
    EXPECT_EQ(texts_of(tokens, encode_with(vocabulary, word)), merge_by_definition(word, rule)) << round;
  }
}

}  // namespace
}  // namespace tome
