#include "eval/tasks/needle.h"

#include <algorithm>

#include "eval/scorers/numbers_said.h"
#include "eval/tasks/haystack.h"
#include "eval/tasks/tasks.h"
#include "generated_tasks.h"

namespace tome::eval {
namespace {

constexpr std::string_view kIntro = "Facts are hidden in this text. One or more of them will be asked for.\n\n";

EvalSet make(const TaskRequest& request) { return needle_task().make(request); }

// The sentence that holds `value`.
std::string_view sentence_with(std::string_view text, std::string_view value) {
  const std::size_t at = text.find(value);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = text.find_last_of(".!?\n\"", at);
  return text.substr(begin + 1, text.find('.', at) - begin);
}

// Tokens before the needle as a share of all but the needle.
double depth_of(std::string_view text, std::string_view value, const CountTokens& count) {
  text.remove_prefix(kIntro.size());
  const std::string_view needle = sentence_with(text, value);
  const auto before = static_cast<double>(count(text.substr(0, static_cast<std::size_t>(needle.data() - text.data()))));
  return before / static_cast<double>(count(text) - count(needle));
}

void check_lengths(const EvalSet& set, const CountTokens& count, std::int64_t shortest_sentence) {
  for (const EvalSample& sample : set.samples) {
    const std::int64_t tokens = tokens_of(set, sample, count);
    EXPECT_LE(tokens, sample.length) << sample.id;
    EXPECT_GE(tokens, std::min(sample.length - sample.length / 100, sample.length - shortest_sentence)) << sample.id;
  }
}

TEST(SplitSentences, KeepsTheTextAndItsParagraphs) {
  EXPECT_EQ(
      split_sentences("Mr. A. Bee\nsat down. \"Who?\" he said. Then\n\nA Heading\n\n  He left!  It was 3.5 miles."),
      (std::vector<std::string>{"Mr. A. Bee sat down. ", "\"Who?\" he said. ", "Then\n\n", "A Heading\n\n", "He left! ",
                                "It was 3.5 miles.\n\n"}));
  EXPECT_TRUE(split_sentences(" \n\n ").empty());
  EXPECT_EQ(split_sentences("\xE2\x80\x9CYes.\xE2\x80\x9D No."),
            (std::vector<std::string>{"\xE2\x80\x9CYes.\xE2\x80\x9D ", "No.\n\n"}));
}

TEST(NumbersSaid, Table) {
  const std::vector<std::string> numbers = {"12345", "678"};
  for (const auto& [answer, score] : std::vector<std::pair<std::string, double>>{{"12345 and 678.", 1},
                                                                                 {"12,345", 0.5},
                                                                                 {"678, 12345", 1},
                                                                                 {"<678>", 0.5},
                                                                                 {"9678 123456", 0},
                                                                                 {"", 0},
                                                                                 {"none", 0}}) {
    EXPECT_DOUBLE_EQ(numbers_said(answer, numbers), score) << answer;
  }
  EXPECT_EQ(numbers_said("1", {}), 0);
}

TEST(Needle, HasTheLengthAskedForByEveryTokenizer) {
  const WithoutData without;
  for (const Counter& counter : counters()) {
    const bool slow = counter.name.ends_with("gguf");
    for (std::uint64_t seed = 1; seed <= (slow ? 1u : 5u); ++seed) {
      TaskRequest request = request_for(counter.count, {256, 1000, 4096, 32768}, 3, seed);
      if (counter.name.starts_with("letters")) request.lengths = {1000, 4096, 32768};
      check_lengths(make(request), counter.count,
                    counter.count("She remembered the wheelbarrow as rather beautiful. "));
    }
  }
}

TEST(Needle, StandsAtItsDepthOnceAndNowhereElse) {
  const WithoutData without;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    TaskRequest request = request_for(count_words, {2048, 8192}, 20, seed);
    request.settings["needle.questions"] = "1";
    const EvalSet set = make(request);
    check_set(set);
    EXPECT_THAT(set.notes, testing::ElementsAre(testing::HasSubstr("plain sentences")));
    std::map<double, int> depths;
    for (const EvalSample& sample : set.samples) {
      const std::string& text = set.documents[sample.document].text;
      EXPECT_EQ(occurrences(text, sample.answers.at(0)), 1u);
      EXPECT_NEAR(depth_of(text, sample.answers[0], count_words), sample.depth, 0.01) << sample.id;
      ++depths[sample.depth];
    }
    for (const double depth : {0.0, 0.25, 0.5, 0.75, 1.0}) EXPECT_EQ(depths[depth], 8);
  }
}

TEST(Needle, SeveralAreAskedTogether) {
  TaskRequest request = request_for(count_words, {4096}, 4);
  request.settings["needle.count"] = "3";
  const EvalSet set = make(request);
  check_lengths(set, count_words, 12);
  for (const EvalSample& sample : set.samples) {
    const std::string& text = set.documents[sample.document].text;
    ASSERT_EQ(sample.answers.size(), 3u);
    for (const std::string& answer : sample.answers) EXPECT_EQ(occurrences(text, answer), 1u);
    EXPECT_DOUBLE_EQ(needle_task().score(sample, sample.answers[2] + ", " + sample.answers[0]), 2.0 / 3);
  }
}

TEST(Needle, WorkedExamplesAskForFactsOfTheirOwn) {
  for (const char* kind : {"literal", "paraphrased"}) {
    TaskRequest request = request_for(count_words, {4096}, 4);
    request.shots = 2;
    request.settings["needle.kind"] = kind;
    request.settings["needle.questions"] = "4";
    const EvalSet set = make(request);
    ASSERT_EQ(set.documents.size(), 1u);
    check_lengths(set, count_words, 12);
    std::set<std::string> questions;
    for (const EvalSample& sample : set.samples) {
      EXPECT_TRUE(questions.insert(sample.question).second);
      ASSERT_EQ(sample.shots.size(), 2u);
      for (const Shot& shot : sample.shots) EXPECT_EQ(occurrences(set.documents[0].text, shot.answer), 1u);
    }
    for (const Shot& shot : set.samples[0].shots) EXPECT_TRUE(questions.insert(shot.question).second);
  }
}

// Words that say something; their first five letters, so that forms of one word are one.
std::set<std::string> content_words(const std::string& text) {
  const std::set<std::string> empty = {"a",   "an",   "the",  "of",   "in",  "to",   "at",  "for",   "with",
                                       "is",  "are",  "was",  "were", "did", "does", "do",  "what",  "which",
                                       "how", "many", "much", "who",  "her", "his",  "its", "our",   "one",
                                       "up",  "on",   "by",   "from", "and", "that", "an",  "under", "between"};
  std::set<std::string> words;
  std::string word;
  for (const char c : text + " ") {
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      continue;
    }
    if (word.size() > 1 && !empty.contains(word)) words.insert(word.substr(0, 5));
    word.clear();
  }
  return words;
}

TEST(Facts, ParaphrasedQuestionsShareNoContentWord) {
  Choices choices(1, "facts");
  for (const KeyShare share : {KeyShare::kMeasuring, KeyShare::kTraining}) {
    Facts facts(choices, share);
    std::set<std::string> told;
    for (std::size_t i = 0; i < Facts::paraphrased_facts(share); ++i) {
      const Fact fact = facts.paraphrased();
      const auto words = content_words(fact.text);
      for (const std::string& word : content_words(fact.question))
        EXPECT_FALSE(words.contains(word)) << fact.text << word;
      EXPECT_TRUE(told.insert(fact.question).second);
      EXPECT_THAT(fact.text, testing::HasSubstr(fact.value));
    }
    EXPECT_THAT(refusal([&] { facts.paraphrased(); }),
                testing::HasSubstr(cat("at most ", Facts::paraphrased_facts(share), " paraphrased facts")));
  }
}

TEST(Facts, LiteralOnesHaveKeysOfTheirOwn) {
  Choices choices(1, "facts");
  Facts facts(choices);
  std::set<std::string> keys, values;
  for (int i = 0; i < 500; ++i) {
    const Fact fact = facts.literal();
    EXPECT_THAT(fact.text, testing::AllOf(testing::HasSubstr(fact.key), testing::HasSubstr(fact.value)));
    EXPECT_THAT(fact.question,
                testing::AllOf(testing::HasSubstr(fact.key), testing::Not(testing::HasSubstr(fact.value))));
    keys.insert(fact.key);
    values.insert(fact.value);
  }
  EXPECT_EQ(keys.size(), 500u);
  EXPECT_EQ(values.size(), 500u);
}

class NeedleFiles : public TaskFiles {};

TEST_F(NeedleFiles, TheHaystackHoldsNeitherKeyNorValue) {
  std::string text;
  for (int i = 0; i < 30; ++i)
    text += "Some words stand here. ABELARD beckwith came 12345 times. More words follow there.\n";
  const std::vector<std::string> sentences = split_sentences(text);
  HaystackOrder order;
  order.needles = {{0.5, "Abelard Beckwith has 12345."}};
  order.forbidden = {"12345"};
  order.tokens = 300;
  const auto filled = fill_haystack(sentences, order, count_words);
  ASSERT_TRUE(filled);
  EXPECT_EQ(occurrences(*filled, "12345"), 1u);
  order.forbidden = {"Abelard Beckwith"};
  EXPECT_EQ(occurrences(*fill_haystack(sentences, order, count_words), "12345"), 1u);
  order.forbidden = {"words", "abelard"};
  EXPECT_THAT(refusal([&] { fill_haystack(sentences, order, count_words); }), testing::HasSubstr("no sentence"));
  order.tokens = 3;
  EXPECT_FALSE(fill_haystack(sentences, order, count_words));
}

TEST_F(NeedleFiles, UsersTextsAreTakenAndShortOnesRefused) {
  TaskRequest request = request_for(count_words, {600}, 2);
  request.data["haystack"] = file("short.txt", "One. Two. Three.");
  EXPECT_THAT(refusal([&] { make(request); }), testing::HasSubstr("expected at least 20"));
  std::string text;
  for (int i = 0; i < 40; ++i) text += "Zebras grazed at the river all day long. ";
  request.data["haystack"] = file("zebras.txt", text);
  const EvalSet set = make(request);
  EXPECT_TRUE(set.notes.empty());
  check_lengths(set, count_words, 9);
  EXPECT_GT(occurrences(set.documents[0].text, "Zebras grazed"), 40u);
  request.settings["needle.kind"] = "odd";
  EXPECT_THAT(refusal([&] { make(request); }), testing::HasSubstr("expected literal or paraphrased"));
}

TEST_F(NeedleFiles, InNovelsTheDepthHoldsForRealTokenizers) {
  if (shared_data("books").empty()) GTEST_SKIP() << "TOME_DATA/books is not here";
  for (const Counter& counter : counters()) {
    if (counter.name.starts_with("letters")) continue;
    TaskRequest request = request_for(counter.count, {4096, 16384}, 5, 3);
    const EvalSet set = make(request);
    check_lengths(set, counter.count, 8);
    for (const EvalSample& sample : set.samples) {
      const std::string& text = set.documents[sample.document].text;
      EXPECT_EQ(occurrences(text, sample.answers[0]), 1u);
      EXPECT_NEAR(depth_of(text, sample.answers[0], counter.count), sample.depth, 0.01) << counter.name << sample.id;
    }
  }
}

TEST(Needle, IsTheSameForTheSameSeedOnly) {
  const WithoutData without;
  const auto of_seed = [](std::uint64_t seed) { return make(request_for(count_words, {1000, 2000}, 10, seed)); };
  EXPECT_TRUE(same(of_seed(7), of_seed(7)));
  EXPECT_FALSE(same(of_seed(7), of_seed(8)));
  EXPECT_THAT(refusal([] { make(request_for(count_words, {50}, 1)); }), testing::HasSubstr("50 tokens is too short"));
}

}  // namespace
}  // namespace tome::eval
