// RULER's aggregation tasks: the ten words that stand oftener in a list (common_words_extraction.py), and the three
// most frequent of made-up words whose numbers follow Zipf's law (freq_words_extraction.py).
#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "eval/tasks/cells.h"
#include "eval/tasks/random_texts.h"
#include "eval/tasks/ruler.h"
#include "eval/tasks/words.h"

namespace tome::eval {
namespace {

constexpr std::int64_t kCommonAnswerTokens = 120, kFrequentAnswerTokens = 50;
constexpr std::size_t kCommon = 10;
constexpr std::string_view kCommonIntro =
    "This is a numbered list of words. Some of them stand in it more often than the others; keep those in mind.\n\n";
constexpr std::string_view kCommonQuestion = "Which 10 words stand most often in the list?";
constexpr std::string_view kCommonPrefix = "The 10 words that stand most often in the list are:";

constexpr std::string_view kFrequentIntro =
    "This text is in code: its words are made up. Keep in mind how often each of them stands in it.\n\n";
constexpr std::string_view kFrequentQuestion =
    "Which three coded words stand most often in the text? Dots are not words. Give no explanation.";
constexpr std::string_view kFrequentPrefix = "The three words that stand most often in the coded text are:";
constexpr std::string_view kTrainingQuestion = "Name the three strings of letters with the highest counts.";
constexpr std::string_view kTrainingPrefix = "Highest counts:";

// "1. word 2. word ..."
std::string numbered(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) text += cat(i == 0 ? "" : " ", i + 1, ". ", words[i]);
  return text;
}

// For training: none of the measured words, but keys.
std::vector<std::string> word_pool(Choices& choices, bool for_training) {
  if (!for_training) return plain_words();
  std::vector<std::string> words;
  Unseen seen;
  while (words.size() < plain_words().size()) {
    words.push_back(seen.next([&] { return random_key(choices, KeyShare::kTraining); }));
  }
  return words;
}

// A list of words in random order: `common` words, then others up to `entries` in all.
class WordList {
 public:
  WordList(Choices choices, std::size_t common_times, std::size_t other_times, bool for_training)
      : choices_(choices), common_times_(common_times), other_times_(other_times) {
    const std::vector<std::string> pool = word_pool(choices_, for_training);
    for (const std::size_t place : choices_.several(pool.size(), pool.size())) words_.push_back(pool[place]);
  }

  std::vector<std::string> common() const { return {words_.begin(), words_.begin() + kCommon}; }

  // When the words do not suffice, all stand oftener, the common ones still as many times oftener as before.
  std::string text(std::size_t entries) const {
    const std::size_t others = words_.size() - kCommon;
    std::size_t times = 1;
    while (times * (kCommon * common_times_ + others * other_times_) < entries) ++times;
    std::vector<std::string> list;
    for (std::size_t word = 0; word < kCommon; ++word) list.insert(list.end(), times * common_times_, words_[word]);
    for (std::size_t word = kCommon; word < words_.size() && list.size() < entries; ++word) {
      list.insert(list.end(), std::min(times * other_times_, entries - list.size()), words_[word]);
    }
    Choices order = choices_;
    order.shuffle(list);
    return numbered(list);
  }
  std::size_t least_entries() const { return kCommon * common_times_ + 1; }

 private:
  Choices choices_;
  std::size_t common_times_, other_times_;
  std::vector<std::string> words_;
};

// The worked example that RULER puts before every list: a short one of words of its own.
std::string common_example(Choices choices, bool is_short) {
  const WordList list(choices, is_short ? 3 : 10, is_short ? 1 : 3, false);
  const std::size_t entries = is_short ? 40 : 190;
  return cat(kCommonIntro, list.text(entries), "\n\n", kCommonQuestion, "\n", kCommonPrefix, " ",
             numbered(list.common()), "\n\n");
}

// Made-up words by rank: word k of n stands int(n k^-2 / zeta(2)) times; rank 1 is the dots.
std::string coded_text(std::string text, const std::vector<std::string>& words, std::int64_t count, std::size_t dots,
                       Choices choices) {
  const double zeta = std::numbers::pi * std::numbers::pi / 6;
  std::vector<std::string> list;
  for (std::size_t rank = 1; rank <= words.size(); ++rank) {
    const double share = 1 / (static_cast<double>(rank) * static_cast<double>(rank) * zeta);
    list.insert(list.end(), static_cast<std::size_t>(static_cast<double>(count) * share), words[rank - 1]);
  }
  list.insert(list.end(), dots, words.front());
  choices.shuffle(list);
  for (const std::string& word : list) text += word + " ";
  text.back() = '\n';
  return text + "\n";
}

}  // namespace

std::optional<EvalSet> make_ruler_common_words(const TaskRequest& request, std::int64_t length, std::int64_t samples) {
  constexpr std::int64_t kShort = 4096;  // below it RULER has shorter lists
  EvalSet set;
  for (std::int64_t i = 0; i < samples; ++i) {
    const std::string use = cat("ruler-cwe-", length, "-", i);
    const bool is_short = length < kShort;
    const bool training = request.for_training;
    const WordList list(Choices(request.seed, use), is_short ? 6 : 30, is_short ? 1 : 3, training);
    std::string before;
    if (!training) {
      before = common_example(Choices(request.seed, use + "-example"), is_short) + std::string(kCommonIntro);
    }
    EvalSample sample;
    sample.question = training ? "Name the ten entries that were counted most." : kCommonQuestion;
    sample.answer_prefix = training ? "Counted most:" : kCommonPrefix;
    sample.answers = list.common();
    sample.answer_tokens = kCommonAnswerTokens;
    const std::int64_t room = length - question_tokens(request, sample);
    const auto text = [&](std::int64_t entries) {
      return cat(before, list.text(static_cast<std::size_t>(entries)), "\n\n");
    };
    const auto least = static_cast<std::int64_t>(list.least_entries());
    const auto tokens = [&](std::int64_t entries) { return request.count_tokens(text(entries)); };
    const std::int64_t entries = largest_that_fits(least, std::max(room, least), room / 5, room, length / 200, tokens);
    if (entries < least) return std::nullopt;
    add_ruler_sample(set, text(entries), std::move(sample));
  }
  return set;
}

std::optional<EvalSet> make_ruler_frequent_words(const TaskRequest& request, std::int64_t length,
                                                 std::int64_t samples) {
  constexpr std::int64_t kLeast = 100;  // words: ranks 2, 3, 4 and 5 then have 15, 6, 3 and 2
  EvalSet set;
  for (std::int64_t i = 0; i < samples; ++i) {
    Choices choices(request.seed, cat("ruler-fwe-", length, "-", i));
    EvalSample sample;
    const std::string intro(request.for_training ? std::string_view() : kFrequentIntro);
    sample.question = request.for_training ? kTrainingQuestion : kFrequentQuestion;
    sample.answer_prefix = request.for_training ? kTrainingPrefix : kFrequentPrefix;
    sample.answer_tokens = kFrequentAnswerTokens;
    Unseen seen;
    std::vector<std::string> words = {"..."};
    const auto vocabulary = static_cast<std::size_t>(std::max<std::int64_t>((length - kFrequentAnswerTokens) / 50, 5));
    while (words.size() < vocabulary) words.push_back(seen.next([&] { return random_letters(choices, 6, 'a'); }));
    sample.answers = {words[1], words[2], words[3]};
    const std::int64_t room = length - question_tokens(request, sample);
    const auto tokens = [&](std::int64_t count, std::size_t dots) {
      return request.count_tokens(coded_text(intro, words, count, dots, choices));
    };
    const auto of_words = [&](std::int64_t count) { return tokens(count, 0); };
    const std::int64_t count =
        largest_that_fits(kLeast, std::max(2 * room, kLeast), room / 3, room, length / 400, of_words);
    if (count < kLeast) return std::nullopt;
    const auto of_dots = [&](std::int64_t dots) { return tokens(count, static_cast<std::size_t>(dots)); };
    const std::int64_t dots = largest_that_fits(0, std::max<std::int64_t>(room, 1), 8, room, length / 400, of_dots);
    add_ruler_sample(
        set, coded_text(intro, words, count, static_cast<std::size_t>(std::max<std::int64_t>(dots, 0)), choices),
        std::move(sample));
  }
  return set;
}

}  // namespace tome::eval
