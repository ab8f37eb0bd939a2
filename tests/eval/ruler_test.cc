#include "eval/tasks/ruler.h"

#include <algorithm>

#include "eval/scorers/matches.h"
#include "eval/tasks/tasks.h"
#include "generated_tasks.h"

namespace tome::eval {
namespace {

EvalSet make(TaskRequest request, const std::string& parts = "") {
  const WithoutData without;
  if (!parts.empty()) request.settings["ruler.parts"] = parts;
  return ruler_task().make(request);
}

// Calls `check(sample, document)` for samples of a part.
template <typename Check>
void for_each(const std::string& part, Check check) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const EvalSet set = make(request_for(count_words, {2048, 8192}, 5, seed), part);
    check_set(set);
    ASSERT_EQ(set.samples.size(), 10u);
    for (const EvalSample& sample : set.samples) {
      EXPECT_EQ(sample.task, "ruler/" + part);
      EXPECT_FALSE(sample.answer_prefix.empty());
      check(sample, set.documents[sample.document].text);
    }
  }
}

std::vector<std::string> split(std::string_view text) {
  std::stringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

TEST(StringMatch, IsRulers) {
  const std::vector<std::string> references = {"Alpha", "beta"};
  EXPECT_EQ(ruler_match_all("ALPHA, Beta", references), 1);
  EXPECT_EQ(ruler_match_all("alphabet", references), 0.5);
  EXPECT_EQ(ruler_match_all("", references), 0);
  EXPECT_EQ(ruler_match_part("the BETA", references), 1);
  EXPECT_EQ(ruler_match_part("gamma", references), 0);
}

TEST(Ruler, HasTheLengthAskedForByEveryTokenizer) {
  for (const Counter& counter : counters()) {
    TaskRequest request = request_for(counter.count, {1024, 4096, 32768}, 1);
    if (counter.name.ends_with("gguf")) request.lengths = {1024, 4096, 16384};
    if (counter.name.starts_with("letters")) request.lengths = {8192, 32768};
    const EvalSet set = make(request);
    for (const EvalSample& sample : set.samples) {
      const std::int64_t tokens = tokens_of(set, sample, counter.count);
      EXPECT_LE(tokens, sample.length) << counter.name << " " << sample.id;
      const bool lines = sample.task.starts_with("ruler/niah-multikey-") && !sample.task.ends_with("1");
      const std::int64_t shortest = counter.count(lines ? "A secret code for 0a1b2c3d-4a5b-4c7d-8e9f-0a1b2c3d4e5f is "
                                                          "0a1b2c3d-4a5b-4c7d-8e9f-0a1b2c3d4e5f.\n"
                                                        : "Behind the orchard there was a delicate tree. ");
      EXPECT_GE(tokens, std::min(sample.length - sample.length / 100, sample.length - shortest))
          << counter.name << " " << sample.id;
    }
    EXPECT_GE(set.samples.size() + set.notes.size(), 11 * request.lengths.size());
  }
}

TEST(Ruler, SingleNeedlesStandOnceAtTheirDepth) {
  for (const std::string part :
       {"niah-single-1", "niah-single-2", "niah-single-3", "niah-multikey-1", "niah-multikey-2", "niah-multikey-3"}) {
    for_each(part, [&](const EvalSample& sample, const std::string& text) {
      ASSERT_EQ(sample.answers.size(), 1u);
      EXPECT_EQ(occurrences(text, " is " + sample.answers[0] + "."), 1u);
      const std::size_t at = text.find("A secret ", 20), found = text.find(sample.answers[0]);
      ASSERT_NE(at, std::string::npos);
      const double depth =
          static_cast<double>(count_words(text.substr(0, found))) / static_cast<double>(count_words(text));
      EXPECT_NEAR(depth, sample.depth, 0.07) << sample.id;  // the needle itself and the intro count here
      const std::size_t key = sample.question.find(" for ") + 5;
      const std::string name = sample.question.substr(key, sample.question.find('?') - key);
      EXPECT_EQ(occurrences(text, " for " + name + " is " + sample.answers[0] + "."), 1u);
      EXPECT_EQ(occurrences(text, name), 1u);
    });
  }
}

TEST(Ruler, NeedlesHaveRulersNumbers) {
  const auto count = [&](const std::string& part, std::size_t wanted, std::size_t answers) {
    for_each(part, [&](const EvalSample& sample, const std::string& text) {
      EXPECT_EQ(sample.answers.size(), answers);
      for (const std::string& answer : sample.answers) EXPECT_EQ(occurrences(text, answer), 1u);
      EXPECT_EQ(occurrences(text, "A secret number for ") + occurrences(text, "A secret code for "), wanted) << part;
    });
  };
  count("niah-single-1", 1, 1);
  count("niah-single-3", 1, 1);
  count("niah-multikey-1", 4, 1);
  count("niah-multivalue", 4, 4);
  count("niah-multiquery", 4, 4);
  for_each("niah-multikey-3",
           [&](const EvalSample&, const std::string& text) { EXPECT_GT(occurrences(text, "A secret code for"), 20u); });
}

TEST(Ruler, VariablesFollowOneFromAnother) {
  for_each("vt", [](const EvalSample& sample, const std::string& text) {
    ASSERT_EQ(sample.answers.size(), 5u);
    const std::string value = sample.question.substr(sample.question.find("value ") + 6, 5);
    std::string source = value;
    std::size_t at = 0;
    for (const std::string& variable : sample.answers) {
      const std::string statement = "VAR " + variable + " = " + source + "\n";
      EXPECT_EQ(occurrences(text, statement), 1u) << statement;
      EXPECT_GT(text.find(statement), at);
      at = text.find(statement);
      source = "VAR " + variable;
    }
    EXPECT_EQ(occurrences(text, "VAR "), 18u);  // nine in the chain and nine in the worked example
  });
}

TEST(Ruler, CommonWordsStandTenTimesAsOften) {
  for (const std::int64_t length : {2048, 8192, 60'000}) {
    const EvalSet set = make(request_for(count_words, {length}, 3), "cwe");
    for (const EvalSample& sample : set.samples) {
      ASSERT_EQ(sample.answers.size(), 10u);
      const std::string& text = set.documents[sample.document].text;
      std::map<std::string, std::size_t> counts;
      for (const std::string& word : split(text.substr(text.rfind("This is a numbered list")))) ++counts[word];
      const std::size_t common = counts[sample.answers[0]];
      EXPECT_EQ(common % (length < 4096 ? 6 : 30), 0u);
      for (const std::string& answer : sample.answers) EXPECT_EQ(counts[answer], common);
      const std::string intro =
          "This is a numbered list of words. Some of them stand in it more often than the others; keep those in mind.";
      for (const std::string& word : split(intro)) counts.erase(word);
      for (const auto& [word, count] : counts) {
        const bool asked = std::find(sample.answers.begin(), sample.answers.end(), word) != sample.answers.end();
        EXPECT_TRUE(asked || count <= common / (length < 4096 ? 6 : 10)) << word;
      }
    }
  }
}

TEST(Ruler, FrequentWordsAreTheThreeMostFrequent) {
  for_each("fwe", [](const EvalSample& sample, const std::string& text) {
    std::map<std::string, std::size_t> counts;
    for (const std::string& word : split(text.substr(text.find("\n\n")))) ++counts[word];
    EXPECT_GE(counts["..."], counts[sample.answers.at(0)]);
    counts.erase("...");
    EXPECT_GT(counts.at(sample.answers[0]), counts.at(sample.answers.at(1)));
    EXPECT_GT(counts.at(sample.answers[1]), counts.at(sample.answers.at(2)));
    for (const auto& [word, count] : counts) {
      const bool asked = std::find(sample.answers.begin(), sample.answers.end(), word) != sample.answers.end();
      EXPECT_TRUE(asked || count < counts.at(sample.answers[2])) << word;
    }
  });
}

TEST(Ruler, PartsAreChosenScoredAndNamed) {
  const EvalSet set = make(request_for(count_words, {2048}, 1), "cwe,vt,cwe");
  ASSERT_EQ(set.samples.size(), 2u);
  EXPECT_EQ(set.samples[0].id, "ruler-cwe-2048-0");
  EXPECT_EQ(set.samples[1].task, "ruler/vt");
  std::string answer = set.samples[1].answers[0] + ", " + set.samples[1].answers[4];
  EXPECT_DOUBLE_EQ(ruler_task().score(set.samples[1], answer), 0.4);
  EXPECT_THAT(refusal([] { make(request_for(count_words, {2048}, 1), "vt,xyz"); }),
              testing::HasSubstr("no part \"xyz\""));
}

TEST(Ruler, PartsThatNeedMoreRoomAreLeftOutWithANote) {
  const EvalSet set = make(request_for(count_words, {512}, 2));
  EXPECT_THAT(set.notes, testing::Contains("ruler/cwe: left out at 512 tokens, which are too few for it"));
  EXPECT_FALSE(set.samples.empty());
  EXPECT_THAT(refusal([] { make(request_for(count_words, {64}, 1)); }), testing::HasSubstr("too short for every part"));
}

TEST(Ruler, IsTheSameForTheSameSeedOnly) {
  const auto of_seed = [](std::uint64_t seed) { return make(request_for(count_words, {2048}, 2, seed)); };
  EXPECT_TRUE(same(of_seed(7), of_seed(7)));
  EXPECT_FALSE(same(of_seed(7), of_seed(8)));
}

TEST(Ruler, EffectiveLengthIsTheLongestAtOrAboveTheThreshold) {
  using Averages = std::vector<std::pair<std::int64_t, double>>;
  EXPECT_EQ(effective_length(Averages{{4096, 95.5}, {8192, 93.8}, {16384, 91.6}, {32768, 87.4}, {65536, 84.7}}), 32768);
  EXPECT_EQ(effective_length(Averages{{4096, 84.7}, {8192, 79.9}}), std::nullopt);
  EXPECT_EQ(effective_length(Averages{{8192, 80}, {4096, 85.6}}), 4096);
  EXPECT_EQ(effective_length(Averages{{4096, 80}, {8192, 90}}), 8192);
  EXPECT_EQ(effective_length(Averages{{4096, 80}, {8192, 70}}, 75), 4096);
  EXPECT_EQ(effective_length({}), std::nullopt);
}

}  // namespace
}  // namespace tome::eval
