#include "eval/tasks/topics.h"

#include <algorithm>

#include "eval/scorers/topic_match.h"
#include "eval/tasks/tasks.h"
#include "eval/tasks/words.h"
#include "generated_tasks.h"

namespace tome::eval {
namespace {

EvalSet make(const TaskRequest& request) { return topics_task().make(request); }

TEST(TopicMatch, Normalises) {
  EXPECT_EQ(normalise_topic("The Psychology of  Happiness."), "psychology of happiness");
  EXPECT_EQ(normalise_topic("women's, women\xE2\x80\x99s \xE2\x80\x94 \"An A-Z\""), "womens womens z");
  EXPECT_EQ(normalise_topic("caf\xC3\xA9 1"), "caf\xC3\xA9 1");
  EXPECT_EQ(normalise_topic(" the ... "), "");
}

TEST(TopicMatch, Table) {
  const std::vector<std::string> others = {"The history of art in Spain", "How to bake bread",
                                           "The keys to a good sleep"};
  const std::string topic = "The history of art";
  for (const std::string right : {"The history of art", "history of art", "The first topic was \"the History of Art\".",
                                  "It is THE HISTORY OF AN ART!", "**The History of Art**\n\nAnything else?",
                                  "the history of art, i.e. the history of art"}) {
    EXPECT_TRUE(names_topic(right, topic, others)) << right;
  }
  for (const std::string wrong :
       {"", "the", "history", "art history", "The history of arts", "prehistory of art", "the history of art in Spain",
        "the history of art and how to bake bread", "How to bake bread, not the history of art", "The future of art"}) {
    EXPECT_FALSE(names_topic(wrong, topic, others)) << wrong;
  }
  EXPECT_TRUE(names_topic("the history of art in Spain", others[0], std::vector<std::string>{topic}));
  EXPECT_FALSE(names_topic("anything", "the", others));
  EXPECT_TRUE(names_topic("x", "x", std::vector<std::string>{"the", "X"}));  // the same topic twice is one
}

class Topics : public TaskFiles {
 protected:
  /// Conversations of 100 to 300 words each.
  std::filesystem::path conversations(std::size_t count) const {
    Choices choices(5, "conversations");
    nlohmann::json list = nlohmann::json::array();
    for (std::size_t i = 0; i < count; ++i) {
      const std::string topic = cat("The ", adjectives()[i], " ", nouns()[2 * i]);
      std::string text = cat("USER: I would like to talk about ", topic, ".\nASSISTANT:");
      for (std::int64_t word = choices.between(80, 280); word > 0; --word) text += " " + choices.one_of(verbs());
      list.push_back({{"TOPIC", topic}, {"CONVERSATION", text + "."}, {"TOPIC_ID", i}});
    }
    return file("conversations.json", list.dump());
  }
  TaskRequest asking(const std::filesystem::path& path, const CountTokens& count, std::vector<std::int64_t> lengths,
                     std::int64_t samples, std::uint64_t seed = 1) const {
    TaskRequest request = request_for(count, std::move(lengths), samples, seed);
    request.data["topics"] = path;
    return request;
  }
};

void check_lengths(const EvalSet& set, const CountTokens& count, std::int64_t one_item) {
  for (const EvalSample& sample : set.samples) {
    const std::int64_t tokens = tokens_of(set, sample, count);
    EXPECT_LE(tokens, sample.length) << sample.id;
    EXPECT_GE(tokens, std::min(sample.length - sample.length / 100, sample.length - one_item)) << sample.id;
  }
}

// Where each topic is brought up, in order.
std::vector<std::string> order_of(const EvalSet& set, const EvalSample& sample) {
  std::vector<std::pair<std::size_t, std::string>> places;
  for (const auto& topic : sample.details["topics"]) {
    const std::string name = topic.get<std::string>();
    const std::string& text = set.documents[sample.document].text;
    EXPECT_EQ(occurrences(text, "about " + name + "."), 1u);
    places.emplace_back(text.find(name), name);
  }
  std::sort(places.begin(), places.end());
  std::vector<std::string> names;
  for (const auto& [place, name] : places) names.push_back(name);
  return names;
}

TEST_F(Topics, HaveTheLengthAskedForByEveryTokenizer) {
  const auto path = conversations(150);
  for (const Counter& counter : counters()) {
    const std::int64_t item = counter.count("conversation") * 300;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      TaskRequest request = asking(path, counter.count, {1024, 4096, 16384}, 3, seed);
      if (counter.name.starts_with("letters")) request.lengths = {4096, 32768, 100'000};
      check_lengths(make(request), counter.count, item);
    }
  }
}

TEST_F(Topics, AskForThePlaceWanted) {
  TaskRequest request = asking(conversations(60), count_words, {4096}, 4);
  const auto check = [&](const std::string& ask, const std::string& words, auto place_of) {
    request.settings["topics.ask"] = ask;
    const EvalSet set = make(request);
    check_set(set);
    for (const EvalSample& sample : set.samples) {
      const auto order = order_of(set, sample);
      const std::size_t place = place_of(sample, order.size());
      EXPECT_EQ(sample.answers[0], order.at(place));
      EXPECT_THAT(sample.question, testing::HasSubstr(words));
      EXPECT_TRUE(sample.details["judge"]);
      EXPECT_EQ(topics_task().score(sample, "It was " + order[place] + "!"), 1);
      EXPECT_EQ(topics_task().score(sample, order[(place + 1) % order.size()]), 0);
    }
    return set;
  };
  check("first", "the first topic", [](const EvalSample&, std::size_t) { return 0; });
  const EvalSet last = check("last", "the last topic", [](const EvalSample&, std::size_t count) { return count - 1; });
  EXPECT_EQ(last.samples[0].depth, 1);
  check("3", "the 3rd topic", [](const EvalSample&, std::size_t) { return 2; });
  request.settings["topics.questions"] = "4";
  const EvalSet spread = check("spread", "topic of the conversation", [](const EvalSample& sample, std::size_t count) {
    return static_cast<std::size_t>(std::lround(sample.depth * static_cast<double>(count - 1)));
  });
  EXPECT_EQ(spread.documents.size(), 1u);
  request.settings["topics.ask"] = "400";
  EXPECT_THAT(refusal([&] { make(request); }), testing::HasSubstr("topic 400 of"));
  request.settings["topics.ask"] = "middle";
  EXPECT_THAT(refusal([&] { make(request); }), testing::HasSubstr("topics.ask=middle"));
}

TEST_F(Topics, AreTheSameForTheSameSeedOnly) {
  const auto path = conversations(60);
  const auto of_seed = [&](std::uint64_t seed) { return make(asking(path, count_words, {2048, 4096}, 3, seed)); };
  EXPECT_TRUE(same(of_seed(7), of_seed(7)));
  EXPECT_FALSE(same(of_seed(7), of_seed(8)));
}

TEST_F(Topics, WorkedExamplesAskForOtherTopics) {
  TaskRequest request = asking(conversations(60), count_words, {4096}, 3);
  request.shots = 2;
  const EvalSet set = make(request);
  check_lengths(set, count_words, 0);
  for (const EvalSample& sample : set.samples) {
    ASSERT_EQ(sample.shots.size(), 2u);
    for (const Shot& shot : sample.shots) {
      EXPECT_NE(shot.question, sample.question);
      EXPECT_NE(shot.answer, sample.answers[0]);
    }
  }
}

TEST_F(Topics, ANumberOfTopicsCanBeGiven) {
  TaskRequest request = asking(conversations(60), count_words, {}, 2);
  request.settings["topics.count"] = "60";
  const EvalSet set = make(request);
  EXPECT_EQ(order_of(set, set.samples[0]).size(), 60u);
  EXPECT_EQ(set.samples[0].id, "topics-60topics-d0-0");
  request.settings["topics.count"] = "61";
  EXPECT_THAT(refusal([&] { make(request); }), testing::HasSubstr("has 60 topics"));
}

TEST_F(Topics, LengthsBeyondTheDataAreErrors) {
  const auto path = conversations(8);
  EXPECT_THAT(refusal([&] { make(asking(path, count_words, {100}, 1)); }),
              testing::HasSubstr("100 tokens is too short"));
  EXPECT_THAT(refusal([&] { make(asking(path, count_words, {9000}, 1)); }),
              testing::HasSubstr("all conversations have"));
}

TEST_F(Topics, ConversationsThatCannotBeAskedForAreLeftOutWithANote) {
  const auto path = file("c.json", R"([{"TOPIC": "The sea", "CONVERSATION": "USER: The sea!"},
      {"TOPIC": "sea", "CONVERSATION": "USER: The sea again"}, {"TOPIC": "Bread", "CONVERSATION": "USER: Rye"}])");
  const Conversations read = read_conversations(path);
  ASSERT_EQ(read.all.size(), 1u);
  EXPECT_THAT(read.notes, testing::ElementsAre(testing::HasSubstr("1 conversations left out, their topic"),
                                               testing::HasSubstr("in its own words")));
}

TEST_F(Topics, BrokenFilesAreNamed) {
  for (const std::string text :
       {"[", "[1]", "[]", R"([{"TOPIC": "x"}])", R"([{"TOPIC": 1, "CONVERSATION": "x"}])",
        R"([{"TOPIC": "the", "CONVERSATION": "the"}])", R"([{"TOPIC": "y", "CONVERSATION": "x"}])"}) {
    EXPECT_THAT(refusal([&] { make(asking(file("c.json", text), count_words, {2048}, 1)); }),
                testing::HasSubstr("c.json: "))
        << text;
  }
  const WithoutData without;
  EXPECT_THAT(refusal([&] { make(request_for(count_words, {2048}, 1)); }), testing::HasSubstr("needs --data topics="));
}

TEST_F(Topics, LongEvalsRowsAreCutWithoutLoss) {
  const std::string row =
      R"({"prompt": "Record. USER: A topic. Now the record ends. What is the first topic?", "topics": ["A", "B", "C"]})";
  TaskRequest request;
  request.data["topics"] = file("3_topics.jsonl", row + "\n" + row + "\n");
  request.shots = 2;
  const EvalSet set = make(request);
  check_set(set);
  ASSERT_EQ(set.samples.size(), 2u);
  EXPECT_EQ(set.documents[0].text, "Record. USER: A topic. ");
  EXPECT_EQ(set.samples[0].question, "Now the record ends. What is the first topic?");
  EXPECT_EQ(set.samples[0].answers, std::vector<std::string>{"A"});
  std::map<std::string, std::string> shots;
  for (const Shot& shot : set.samples[0].shots) shots[shot.question] = shot.answer;
  EXPECT_EQ(shots["Now the record ends. What is the topic number 3?"], "C");
  for (const std::string broken :
       {R"({"prompt": "no mark", "topics": ["A"]})", R"({"prompt": "a Now the record ends"})",
        R"({"prompt": "a Now the record ends", "topics": []})",
        R"({"prompt": "a Now the record ends", "topics": [1]})"}) {
    request.data["topics"] = file("b.jsonl", row + "\n" + broken);
    EXPECT_THAT(refusal([&] { make(request); }), testing::HasSubstr("b.jsonl:2: ")) << broken;
  }
}

TEST_F(Topics, ThePublishedFilesAreCutWithoutLoss) {
  if (shared_data("longeval").empty()) GTEST_SKIP() << "TOME_DATA/longeval is not here";
  for (const char* name : {"5_topics.jsonl", "25_topics.jsonl"}) {
    TaskRequest request;
    request.data["topics"] = shared_data("longeval") / name;
    const EvalSet set = make(request);
    ASSERT_EQ(set.samples.size(), 50u);
    std::ifstream file(request.data["topics"]);
    std::string line;
    for (const EvalSample& sample : set.samples) {
      std::getline(file, line);
      EXPECT_EQ(set.documents[sample.document].text + sample.question, nlohmann::json::parse(line)["prompt"]);
      EXPECT_EQ(topics_task().score(sample, sample.answers[0]), 1);
    }
  }
}

TEST_F(Topics, AnimasConversationsGiveAnyLength) {
  if (shared_data("anima").empty()) GTEST_SKIP() << "TOME_DATA/anima is not here";
  for (const Counter& counter : counters()) {
    if (!counter.name.ends_with("2.gguf") && counter.name != "words") continue;
    const EvalSet set = make(request_for(counter.count, {2048, 8192, 65536}, 2));
    check_lengths(set, counter.count, 1200);
    TaskRequest request = request_for(counter.count, {}, 1);
    request.settings["topics.count"] = "130";
    const EvalSample sample = make(request).samples.at(0);
    EXPECT_EQ(sample.details["topics"].size(), 130u);
    for (const auto& topic : sample.details["topics"]) {  // none of the topics is part of another
      EXPECT_EQ(topics_task().score(sample, topic.get<std::string>()), topic == sample.answers[0] ? 1 : 0);
    }
  }
}

}  // namespace
}  // namespace tome::eval
