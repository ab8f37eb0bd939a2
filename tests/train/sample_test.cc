// Which questions a model is asked while it is trained, and with which ids: those of training.
#include "train/sample.h"

#include <gmock/gmock.h>

#include <numeric>

#include "data_files.h"
#include "train_files.h"

namespace tome {
namespace {

class SampleTest : public TrainTest {
 protected:
  // The samples of all rows.
  std::vector<Sample> samples(const std::string& lines, std::size_t count, std::int64_t window = 100,
                              TrainOn train_on = TrainOn::kAnswers) {
    write_text(folder() / "data.jsonl", lines);
    DataOptions options;
    options.encode = {window, train_on};
    const TrainingSet data({folder() / "data.jsonl"}, tokenizer_, layout_, options);
    std::vector<std::uint32_t> all(data.size());
    std::iota(all.begin(), all.end(), 0u);
    return choose_samples(data, all, count);
  }
  std::string spell(const std::vector<TokenId>& ids) const { return tokenizer_.spell(ids); }

  const LetterTokenizer tokenizer_;
  const Layout layout_ = short_layout();
};

TEST_F(SampleTest, ADocumentIsReadAndItsFirstQuestionAsked) {
  for (const TrainOn train_on : {TrainOn::kAnswers, TrainOn::kAll}) {
    const auto chosen = samples(
        "{\"document\": \"story\", \"questions\": [{\"question\": \"why\", \"answer\": \"so\"}, "
        "{\"question\": \"who\", \"answer\": \"me\"}]}\n"
        "{\"document\": \"tale\", \"question\": \"where\", \"answer\": \"here\"}\n",
        5, 100, train_on);
    ASSERT_EQ(chosen.size(), 2U);
    EXPECT_EQ(chosen[0].question, "why");
    EXPECT_EQ(chosen[0].expected, "so");
    EXPECT_THAT(spell(chosen[0].document), testing::EndsWith("[story]"));
    EXPECT_EQ(spell(chosen[0].prompt), "Q:whyA:");
    EXPECT_EQ(chosen[1].question, "where");
    EXPECT_THAT(spell(chosen[1].document), testing::EndsWith("[tale]"));
    EXPECT_EQ(spell(chosen[1].prompt), "Q:whereA:");
  }
}

TEST_F(SampleTest, TextsAreLeftOutAndTheFirstRowsTaken) {
  const std::string text = "{\"text\": \"once upon\"}\n";
  const std::string question = "{\"document\": \"d\", \"question\": \"q\", \"answer\": \"";
  const auto chosen = samples(text + question + "a\"}\n" + text + question + "b\"}\n" + question + "c\"}\n", 2);
  ASSERT_EQ(chosen.size(), 2U);
  EXPECT_EQ(chosen[0].expected, "a");
  EXPECT_EQ(chosen[1].expected, "b");
  EXPECT_TRUE(samples(text, 2).empty());
  EXPECT_TRUE(samples(question + "a\"}\n", 0).empty());
}

TEST_F(SampleTest, ARowOfSeveralExamplesGivesOne) {
  std::string line = "{\"document\": \"abcdefghij\", \"questions\": [";
  for (int i = 0; i < 6; ++i) line += cat(i > 0 ? "," : "", "{\"question\": \"question", i, "\", \"answer\": \"yes\"}");
  const auto chosen = samples(line + "]}\n", 9, 45);
  ASSERT_EQ(chosen.size(), 1U);
  EXPECT_EQ(chosen[0].question, "question0");
}

TEST_F(SampleTest, AConversationThatLostItsBeginningAsksWhatIsLeft) {
  std::string line = "{\"messages\": [";
  for (int i = 0; i < 8; ++i) {
    line += cat(i > 0 ? "," : "", "{\"role\": \"user\", \"content\": \"message", i,
                "\"}, {\"role\": \"assistant\", \"content\": \"answer", i, "\"}");
  }
  const auto whole = samples(line + "]}\n", 1, 1000);
  ASSERT_EQ(whole.size(), 1U);
  EXPECT_EQ(whole[0].question, "message0");
  const auto cut = samples(line + "]}\n", 1, 60);
  ASSERT_EQ(cut.size(), 1U);
  EXPECT_NE(cut[0].question, "message0");
  const std::string shown = spell(cut[0].document) + spell(cut[0].prompt);
  EXPECT_THAT(shown, testing::HasSubstr(cut[0].question));
  EXPECT_THAT(shown, testing::EndsWith("A:"));
  EXPECT_EQ(cut[0].expected, "answer" + cut[0].question.substr(7));
}

}  // namespace
}  // namespace tome
