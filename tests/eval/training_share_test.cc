// What tasks make to learn from shares no key and no wording with what they measure by the same seed.
#include <algorithm>
#include <iterator>
#include <regex>

#include "eval/tasks/lines.h"
#include "eval/tasks/needle.h"
#include "eval/tasks/ruler.h"
#include "eval/tasks/tasks.h"
#include "eval/tasks/words.h"
#include "generated_tasks.h"

namespace tome::eval {
namespace {

// "amber-anchor", but no part of a UUID.
std::set<std::string> keys_in(const std::string& text) {
  static const std::regex word("[A-Za-z0-9-]+"), key("[a-z]+-[a-z]+");
  std::set<std::string> keys;
  for (std::sregex_iterator one(text.begin(), text.end(), word), end; one != end; ++one) {
    if (std::regex_match(one->str(), key)) keys.insert(one->str());
  }
  return keys;
}

// Runs of four words, keys and numbers left out.
std::set<std::string> wordings_in(const std::string& text) {
  static const std::regex pattern("[A-Za-z0-9-]+");
  std::vector<std::string> words;
  for (std::sregex_iterator word(text.begin(), text.end(), pattern), end; word != end; ++word) {
    if (word->str().find_first_of("0123456789-") == std::string::npos) words.push_back(word->str());
  }
  std::set<std::string> runs;
  for (std::size_t i = 0; i + 4 <= words.size(); ++i) {
    runs.insert(words[i] + ' ' + words[i + 1] + ' ' + words[i + 2] + ' ' + words[i + 3]);
  }
  return runs;
}

template <typename T>
std::vector<T> common(const std::set<T>& one, const std::set<T>& other) {
  std::vector<T> both;
  std::set_intersection(one.begin(), one.end(), other.begin(), other.end(), std::back_inserter(both));
  return both;
}

struct Said {
  std::set<std::string> keys, questions, openings;
};

Said said_by(const EvalSet& set) {
  Said said;
  for (const EvalSample& sample : set.samples) {
    said.keys.merge(keys_in(sample.question));
    said.questions.merge(wordings_in(sample.question + " # " + sample.answer_prefix));
    for (const Shot& shot : sample.shots) said.questions.merge(wordings_in(shot.question));
  }
  for (const EvalDocument& document : set.documents) {
    said.keys.merge(keys_in(document.text));
    said.openings.insert(document.text.substr(0, document.text.find_first_of(".\n:")));
  }
  return said;
}

void expect_apart(const Task& task, TaskRequest request) {
  const WithoutData without;
  request.shots = 1;
  for (request.seed = 1; request.seed <= 5; ++request.seed) {
    request.for_training = false;
    const Said measured = said_by(task.make(request));
    request.for_training = true;
    const EvalSet set = task.make(request);
    check_set(set);
    const Said trained = said_by(set);
    EXPECT_FALSE(measured.questions.empty());
    EXPECT_THAT(common(measured.keys, trained.keys), testing::IsEmpty()) << task.name;
    EXPECT_THAT(common(measured.questions, trained.questions), testing::IsEmpty()) << task.name;
    EXPECT_THAT(common(measured.openings, trained.openings), testing::IsEmpty()) << task.name;
  }
}

TEST(TrainingShare, OfLines) {
  expect_apart(lines_task(), request_for(count_words, {3000}, 20));
  TaskRequest request = request_for(count_words, {3000}, 60);
  request.for_training = true;
  request.settings["lines.questions"] = "1";
  std::set<std::string> first_words;
  for (const EvalSample& sample : lines_task().make(request).samples) {
    first_words.insert(sample.question.substr(0, sample.question.find(' ')));
    EXPECT_EQ(sample.question.find("room"), std::string::npos);
  }
  EXPECT_GE(first_words.size(), 2u);  // several wordings
}

TEST(TrainingShare, OfNeedle) {
  const TaskRequest request = request_for(count_words, {3000}, 20);
  expect_apart(needle_task(), request);
  for (const char* kind : {"literal", "paraphrased"}) {
    TaskRequest several = request;
    several.settings = {{"needle.kind", kind}, {"needle.count", "3"}, {"needle.questions", "2"}};
    expect_apart(needle_task(), several);
  }
  Choices choices(1, "names");
  Facts facts(choices, KeyShare::kTraining);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(keys_in(facts.literal().key).size(), 1u);  // no name of a person
}

TEST(TrainingShare, OfRuler) {
  for (const RulerPart& part : ruler_parts()) {
    TaskRequest request = request_for(count_words, {4096}, 3);
    request.settings["ruler.parts"] = part.name;
    if (part.needs.empty()) {
      expect_apart(ruler_task(), request);
      continue;
    }
    request.for_training = true;
    request.data[std::string(part.needs)] = "squad.json";
    EXPECT_THAT(refusal([&] { ruler_task().make(request); }), testing::HasSubstr("published questions"));
  }
}

class TrainingTopics : public TaskFiles {
 protected:
  std::filesystem::path conversations(const std::string& name, std::size_t begin, std::size_t end) const {
    nlohmann::json list = nlohmann::json::array();
    for (std::size_t i = begin; i < end; ++i) {
      const std::string topic = cat("The ", adjectives()[i], " ", nouns()[2 * i]);
      std::string text = cat("USER: I would like to talk about ", topic, ".\nASSISTANT:");
      for (int word = 0; word < 100; ++word) text += " word";
      list.push_back({{"TOPIC", topic}, {"CONVERSATION", text + "."}});
    }
    return file(name, list.dump());
  }
  static std::set<std::string> topics_of(const EvalSet& set) {
    std::set<std::string> topics;
    for (const EvalSample& sample : set.samples) {
      for (const nlohmann::json& topic : sample.details.at("topics")) topics.insert(topic.get<std::string>());
    }
    return topics;
  }
};

TEST_F(TrainingTopics, AreNoneOfTheMeasuredOnes) {
  const auto measured = conversations("measured.json", 0, 40), all = conversations("all.json", 0, 100);
  TaskRequest request = request_for(count_words, {2000}, 10);
  request.data["topics"] = measured;
  const EvalSet asked = topics_task().make(request);
  request.for_training = true;
  EXPECT_THAT(refusal([&] {
                request.data["topics-measured"] = measured;
                topics_task().make(request);
              }),
              testing::HasSubstr("measured with"));
  request.data["topics"] = all;
  const EvalSet trained = topics_task().make(request);
  EXPECT_FALSE(topics_of(trained).empty());
  EXPECT_THAT(common(topics_of(asked), topics_of(trained)), testing::IsEmpty());
  EXPECT_THAT(common(said_by(asked).questions, said_by(trained).questions), testing::IsEmpty());
  EXPECT_THAT(common(said_by(asked).openings, said_by(trained).openings), testing::IsEmpty());
  ASSERT_EQ(trained.notes.size(), 1u);
  EXPECT_THAT(trained.notes[0], testing::HasSubstr("40 conversations left out"));
}

class TrainingFiles : public TaskFiles {};

TEST_F(TrainingFiles, ThatArePublishedAreRefused) {
  TaskRequest request = request_for(count_words, {2000}, 4);
  request.for_training = true;
  request.data["lines"] = request.data["topics"] = file("published.jsonl", "{}\n");
  for (const Task& task : {lines_task(), topics_task()}) {
    EXPECT_THAT(refusal([&] { task.make(request); }), testing::HasSubstr("measured with")) << task.name;
  }
  request.data.clear();
  const WithoutData without;
  ::setenv("TOME_DATA", folder().c_str(), 1);
  std::filesystem::create_directory(folder() / "anima");
  file("anima/topic_conversations_158.json", "[]");
  EXPECT_THAT(refusal([&] { topics_task().make(request); }), testing::HasSubstr("needs --data topics"));
  ::unsetenv("TOME_DATA");
}

}  // namespace
}  // namespace tome::eval
