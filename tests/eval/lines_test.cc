#include "eval/tasks/lines.h"

#include <algorithm>
#include <cmath>

#include "eval/answerers/longeval_responses.h"
#include "eval/scorers/last_number.h"
#include "eval/tasks/tasks.h"
#include "generated_tasks.h"

namespace tome::eval {
namespace {

EvalSet make(const TaskRequest& request) { return lines_task().make(request); }

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::stringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("The key of room")) lines.push_back(line);
  }
  return lines;
}

TEST(Lines, HaveTheLengthAskedForByEveryTokenizer) {
  for (const Counter& counter : counters()) {
    for (const std::int64_t length : {256, 600, 1000, 4096, 32768}) {
      const bool slow = counter.name.ends_with("gguf") && length > 4096;
      for (std::uint64_t seed = 1; seed <= (slow ? 1u : 6u); ++seed) {
        if (counter.name.starts_with("letters") && length == 256) continue;  // the intro alone is half of it
        const EvalSet set = make(request_for(counter.count, {length}, 4, seed));
        for (const EvalSample& sample : set.samples) {
          const std::int64_t tokens = tokens_of(set, sample, counter.count);
          const std::int64_t line = counter.count("The key of room delicate-pineapple has the number 12345.\n") + 6;
          EXPECT_LE(tokens, length) << counter.name;
          EXPECT_GE(tokens, std::min(length - length / 100, length - line)) << counter.name << " " << length;
        }
      }
    }
  }
}

TEST(Lines, KeysAndValuesAreUniqueAndTheAnswerStandsOnce) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const EvalSet set = make(request_for(count_words, {2000, 8192}, 20, seed));
    check_set(set);
    for (const EvalDocument& document : set.documents) {
      std::set<std::string> keys, values;
      const auto lines = lines_of(document.text);
      for (const std::string& line : lines) {
        keys.insert(line.substr(0, line.find(" has the")));
        values.insert(line.substr(line.rfind(' ')));
      }
      EXPECT_EQ(keys.size(), lines.size());
      EXPECT_EQ(values.size(), lines.size());
    }
    for (const EvalSample& sample : set.samples) {
      const std::string& text = set.documents[sample.document].text;
      EXPECT_EQ(occurrences(text, sample.answers[0]), 1u);
      const std::string key = sample.question.substr(33, sample.question.find(" have?") - 33);
      EXPECT_EQ(occurrences(text, "room " + key + " has the number " + sample.answers[0] + "."), 1u) << key;
    }
  }
}

TEST(Lines, AreAskedAtTheirDepths) {
  TaskRequest request = request_for(count_words, {8192}, 50);
  const EvalSet even = make(request);
  ASSERT_EQ(even.samples.size(), 50u);
  EXPECT_EQ(even.documents.size(), 5u);
  request.depths = {0, 0.3, 1};
  const EvalSet asked = make(request);
  for (const EvalSet* set : {&even, &asked}) {
    for (const EvalSample& sample : set->samples) {
      const auto lines = lines_of(set->documents[sample.document].text);
      const auto line = std::find_if(lines.begin(), lines.end(), [&](const std::string& text) {
        return text.ends_with(" " + sample.answers[0] + ".");
      });
      const double depth = static_cast<double>(line - lines.begin()) / static_cast<double>(lines.size() - 1);
      EXPECT_NEAR(depth, sample.depth, 0.01) << sample.id;
    }
  }
  std::set<double> depths;
  for (const EvalSample& sample : asked.samples) depths.insert(sample.depth);
  EXPECT_EQ(depths, (std::set<double>{0, 0.3, 1}));
}

TEST(Lines, AreTheSameForTheSameSeedOnly) {
  const auto of_seed = [](std::uint64_t seed) { return make(request_for(count_words, {1000, 2000}, 5, seed)); };
  EXPECT_TRUE(same(of_seed(7), of_seed(7)));
  EXPECT_FALSE(same(of_seed(7), of_seed(8)));
  const EvalSet alone = make(request_for(count_words, {2000}, 5, 7));  // whatever other lengths are asked for
  EXPECT_EQ(alone.documents[0].text, of_seed(7).documents[5].text);
  EXPECT_EQ(alone.samples[0].id, "lines-2000-d0-0");
}

TEST(Lines, WorkedExamplesShareNoAskedKey) {
  TaskRequest request = request_for(count_words, {2000}, 20);
  request.shots = 3;
  const EvalSet set = make(request);
  std::map<std::size_t, std::set<std::string>> asked;
  for (const EvalSample& sample : set.samples) asked[sample.document].insert(sample.question);
  for (const EvalSample& sample : set.samples) {
    ASSERT_EQ(sample.shots.size(), 3u);
    EXPECT_LE(tokens_of(set, sample, count_words), 2000);
    EXPECT_GE(tokens_of(set, sample, count_words), 1975);
    for (const Shot& shot : sample.shots) {
      EXPECT_FALSE(asked[sample.document].contains(shot.question));
      EXPECT_EQ(occurrences(set.documents[sample.document].text, " " + shot.answer + ".\n"), 1u);
    }
  }
}

TEST(Lines, ANumberOfLinesCanBeGiven) {
  TaskRequest request = request_for(count_words, {}, 10);
  request.settings["lines.count"] = "4000";
  const EvalSet set = make(request);
  check_set(set);
  ASSERT_EQ(set.documents.size(), 5u);
  EXPECT_EQ(lines_of(set.documents[0].text).size(), 4000u);
  EXPECT_EQ(set.samples[0].length, 0);
  EXPECT_EQ(set.samples[9].id, "lines-4000lines-d100-9");
  request.settings["lines.count"] = "2";
  request.settings["lines.questions"] = "3";
  EXPECT_THAT(refusal([&] { make(request); }), testing::HasSubstr("expected at least 3"));
}

TEST(Lines, TooShortALengthIsAnErrorThatNamesTheSmallest) {
  EXPECT_THAT(refusal([] { make(request_for(count_words, {60}, 1)); }), testing::HasSubstr("60 tokens is too short"));
}

TEST(Lines, TrainingListsHaveOtherKeysAndWordings) {
  Choices choices(1, "training");
  for (const LineWording& wording : training_line_wordings()) {
    EXPECT_NE(wording.line, measured_line_wording().line);
    LineList list(choices, wording, KeyShare::kTraining);
    const std::size_t count = lines_that_fit(list, 700, count_words);
    EXPECT_LE(count_words(list.text(count)), 700);
    EXPECT_GT(count_words(list.text(count + 1)), 699);
    EXPECT_EQ(occurrences(list.text(count), list.line(count / 2).value), 1u);
    EXPECT_THAT(list.question(0), testing::HasSubstr(list.line(0).key));
  }
}

TEST(LastNumber, IsLongEvalsReading) {
  EXPECT_EQ(last_number("The number is <2416>."), "2416");
  EXPECT_EQ(last_number("12 or 7"), "7");
  EXPECT_EQ(last_number("-5"), "5");
  EXPECT_EQ(last_number("1,234"), "234");
  EXPECT_EQ(last_number("3.50"), "50");
  EXPECT_EQ(last_number("a007b"), "7");
  EXPECT_EQ(last_number("000"), "0");
  EXPECT_EQ(last_number("none"), "");
  EXPECT_EQ(last_number(""), "");
  EXPECT_TRUE(last_number_is("It is 07529", "7529"));
  EXPECT_FALSE(last_number_is("It is 7529, not 7530", "7529"));
  EXPECT_FALSE(last_number_is("no idea", ""));
  EXPECT_TRUE(last_number_is(std::string(40, '9'), std::string(40, '9')));
}

class LongEvalLines : public TaskFiles {
 protected:
  static nlohmann::json row() {
    return {{"prompt",
             "Remember this:\n\nline red-fox: REGISTER_CONTENT is <12>\nline old-owl: REGISTER_CONTENT is <34>\n"
             "line shy-elk: REGISTER_CONTENT is <56>\n\nNow the record is over. Tell me line old-owl. "},
            {"expected_number", 34},
            {"correct_line", "line old-owl: REGISTER_CONTENT is <34>\n"},
            {"random_idx", {"old-owl", 1}},
            {"num_lines", 3}};
  }
  EvalSet read(const std::string& text, std::int64_t shots = 0) const {
    TaskRequest request;
    request.data["lines"] = file("3_lines.jsonl", text);
    request.shots = shots;
    return make(request);
  }
};

TEST_F(LongEvalLines, DocumentAndQuestionAreThePrompt) {
  const EvalSet set = read(row().dump() + "\n\n" + row().dump());
  check_set(set);
  ASSERT_EQ(set.samples.size(), 2u);
  const EvalSample& sample = set.samples[0];
  EXPECT_EQ(set.documents[0].text + sample.question, row()["prompt"]);
  EXPECT_TRUE(sample.question.starts_with("Now the record is over"));
  EXPECT_EQ(sample.answers, std::vector<std::string>{"34"});
  EXPECT_DOUBLE_EQ(sample.depth, 0.5);
  EXPECT_EQ(set.samples[1].id, "lines-3_lines-3");
  EXPECT_EQ(lines_task().score(sample, "It is <34>."), 1);
  EXPECT_EQ(lines_task().score(sample, "It is <35>."), 0);
}

TEST_F(LongEvalLines, WorkedExamplesAskForOtherLines) {
  const EvalSample sample = read(row().dump(), 2).samples[0];
  ASSERT_EQ(sample.shots.size(), 2u);
  std::map<std::string, std::string> shots;
  for (const Shot& shot : sample.shots) shots[shot.question] = shot.answer;
  EXPECT_EQ(shots["Now the record is over. Tell me line red-fox. "], "12");
  EXPECT_EQ(shots["Now the record is over. Tell me line shy-elk. "], "56");
  EXPECT_THAT(refusal([&] { read(row().dump(), 3); }), testing::HasSubstr("no 3 other lines"));
}

TEST_F(LongEvalLines, BrokenRowsAreNamed) {
  const auto broken = [&](const std::string& name, const nlohmann::json& value) {
    nlohmann::json changed = row();
    changed[name] = value;
    if (value.is_null()) changed.erase(name);
    return refusal([&] { read(row().dump() + "\n" + changed.dump()); });
  };
  for (const auto& [name, value] : std::vector<std::pair<std::string, nlohmann::json>>{{"prompt", 1},
                                                                                       {"prompt", nullptr},
                                                                                       {"expected_number", "34"},
                                                                                       {"expected_number", -34},
                                                                                       {"expected_number", 35},
                                                                                       {"correct_line", "line x"},
                                                                                       {"random_idx", 4},
                                                                                       {"random_idx", {"old-owl", 3}},
                                                                                       {"num_lines", 0}}) {
    EXPECT_THAT(broken(name, value), testing::AllOf(testing::HasSubstr("3_lines.jsonl:2: "), testing::HasSubstr(name)));
  }
  EXPECT_THAT(broken("prompt", "Now the record is over."), testing::HasSubstr("3_lines.jsonl:2: "));
  EXPECT_THAT(broken("prompt", "no mark"), testing::HasSubstr("Now the record is over"));
  EXPECT_THAT(refusal([&] { read("{\"prompt\": "); }), testing::HasSubstr("3_lines.jsonl:1: not valid JSON"));
  EXPECT_THAT(refusal([&] { read("[1]"); }), testing::HasSubstr("expected a JSON object"));
  EXPECT_THAT(refusal([&] { read("\n \n"); }), testing::HasSubstr("is empty; expected JSON objects"));
}

TEST_F(LongEvalLines, ThePublishedFilesAreCutWithoutLoss) {
  if (shared_data("longeval").empty()) GTEST_SKIP() << "TOME_DATA/longeval is not here";
  for (const char* name : {"200_lines.jsonl", "680_lines.jsonl", "1350_lines.jsonl"}) {
    TaskRequest request;
    request.data["lines"] = shared_data("longeval") / name;
    const EvalSet set = make(request);
    check_set(set);
    ASSERT_EQ(set.samples.size(), 50u);
    std::ifstream file(request.data["lines"]);
    std::string line;
    for (const EvalSample& sample : set.samples) {
      std::getline(file, line);
      EXPECT_EQ(set.documents[sample.document].text + sample.question, nlohmann::json::parse(line)["prompt"]);
    }
    request.samples = 7;
    EXPECT_EQ(make(request).samples.size(), 7u);
  }
}

class LongEvalResponsesTest : public TaskFiles {};

TEST_F(LongEvalResponsesTest, RecordsMayGoOverLines) {
  const auto path =
      file("r.txt",
           "Label: 5, Predict: is <5>., Parsed: 5, prompt length: 10\n"
           "Label: 6, Predict: Label: 7, Predict: no\n\nidea, Parsed: x\n, Parsed: -1, prompt length: 11\r\n"
           "Accuracy: 0.5");
  const LongEvalResponses read = read_longeval_responses(path);
  ASSERT_EQ(read.responses.size(), 2u);
  EXPECT_EQ(read.responses[0].prediction, "is <5>.");
  EXPECT_EQ(read.responses[0].parsed, "5");
  EXPECT_EQ(read.responses[1].label, "6");
  EXPECT_EQ(read.responses[1].prediction, "Label: 7, Predict: no\n\nidea, Parsed: x\n");
  EXPECT_EQ(read.responses[1].parsed, std::nullopt);
  EXPECT_EQ(read.responses[1].prompt_tokens, 11);
  EXPECT_EQ(read.accuracy, 0.5);
}

TEST_F(LongEvalResponsesTest, OtherTextIsRefused) {
  for (const std::string text :
       {"", "\n\n", "hello", "Label: x, Predict: 1, Parsed: 1, prompt length: 1", "Label: 1, Predict: 1, Parsed: 1",
        "Label: 1, Predict: 1, Parsed: 1, prompt length: -4", "Label: 1, Predict: 1, Parsed: 1.5, prompt length: 4",
        "Label: 1, Predict: 1, Parsed: 1, prompt length: 99999999999999999999", "Accuracy: 0.5", "Label: 1\n",
        "Label: 1, Predict: 1, Parsed: 1, prompt length: 1\nAccuracy: 2",
        "Label: 1, Predict: 1, Parsed: 1, prompt length: 1\nAccuracy: 1\nAccuracy: 1"}) {
    EXPECT_THAT(refusal([&] { read_longeval_responses(file("r.txt", text)); }), testing::HasSubstr("r.txt: ")) << text;
  }
}

// What LongEval took from each published answer, and how many it counted as right, is what ours gives.
TEST_F(LongEvalResponsesTest, OurScoreIsThatOfThePublishedAnswers) {
  if (shared_data("longeval/predictions").empty()) GTEST_SKIP() << "TOME_DATA/longeval is not here";
  for (const char* model : {"chatglm2-6b", "longchat-13b-16k", "mpt-30b-chat"}) {
    const auto read = read_longeval_responses(shared_data("longeval/predictions") / model / "200_response.txt");
    ASSERT_EQ(read.responses.size(), 50u);
    ASSERT_TRUE(read.accuracy);
    double right = 0;
    for (const LongEvalResponse& response : read.responses) {
      EXPECT_EQ(last_number(response.prediction), response.parsed.value_or("")) << response.prediction;
      EvalSample sample;
      sample.answers = {response.label};
      right += lines_task().score(sample, response.prediction);
    }
    EXPECT_DOUBLE_EQ(right, std::round(50 * *read.accuracy)) << model;
  }
}

}  // namespace
}  // namespace tome::eval
