// A fake model that writes five questions, of which one needs the whole text.
#include "data/written_questions.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace tome::data {
namespace {

class FakeAnswerer : public eval::Answerer {
 public:
  void answer(const eval::EvalSet& set, std::span<const std::size_t> wanted,
              const std::function<void(std::size_t, const eval::EvalAnswer&)>& on_answer,
              const std::function<void(const eval::AnswerProgress&)>&, const std::atomic<bool>&) override {
    for (const std::size_t i : wanted) {
      eval::EvalAnswer answer;
      answer.text = say(set.documents.at(set.samples[i].document).text, set.samples[i].question);
      if (answer.text == "error") answer.error = "no answer";
      on_answer(i, answer);
    }
    documents += set.documents.size();
  }
  nlohmann::json description() const override { return "fake"; }

  std::size_t documents = 0;

 private:
  static std::string say(const std::string& document, const std::string& question) {
    if (question.starts_with("Write 5 questions")) {
      return "1. Needs all? | yes\n- Known anyway? | yes\nQ: In a passage? | A: yes\nNot even with the text? | yes\n"
             "Needs all? | yes\nno bar here?\nFails? | yes\nA statement | yes\nEmpty? |";
    }
    if (question == "Fails?") return "error";
    if (question == "Known anyway?") return "yes";
    if (question == "In a passage?") return document.empty() ? "no" : "yes";
    return question == "Needs all?" && document == "whole" ? "yes" : "no";
  }
};

Passages part() {
  return [](const eval::EvalSet& set) {
    eval::EvalSet shown = set;
    for (eval::EvalDocument& document : shown.documents) document.text = "part";
    return shown;
  };
}

double same(std::string_view expected, std::string_view said) { return expected == said ? 1 : 0; }

TEST(WrittenQuestions, KeepsWhatNeedsTheWholeText) {
  FakeAnswerer answerer;
  WrittenOptions options;
  options.questions = 5;
  const std::atomic<bool> never{false};
  QuestionWriter writer(answerer, part(), same, options);
  for (int text = 1; text <= 2; ++text) {
    const auto row = writer.write({"book", "whole", "MIT", 7}, {}, never);
    ASSERT_TRUE(row);
    ASSERT_EQ(row->questions.size(), 1u);
    EXPECT_EQ(row->questions[0].question, "Needs all?");
    EXPECT_EQ(row->document, "whole");
    EXPECT_EQ(row->licence, "MIT");
    EXPECT_EQ(row->document_id, "book");
    EXPECT_EQ(row->tokens, 7);
    const WrittenCounts& counts = writer.counts();
    EXPECT_EQ(counts.unusable, 4 * text);  // twice the same, no bar, a statement, no answer
    EXPECT_EQ(counts.failed, text);
    EXPECT_EQ(counts.not_confirmed, text);
    EXPECT_EQ(counts.known_without, text);
    EXPECT_EQ(counts.found_in_passages, text);
    EXPECT_EQ(counts.kept, text);
  }
  EXPECT_EQ(answerer.documents, 8u);  // each round reads one: the questions of a text share it
}

TEST(WrittenQuestions, AStopKeepsNothingHalfAsked) {
  FakeAnswerer answerer;
  const std::atomic<bool> stop{true};
  QuestionWriter writer(answerer, part(), same, {});
  EXPECT_FALSE(writer.write({"book", "whole", "", 7}, {}, stop));
  EXPECT_EQ(writer.counts().failed, 0);
}

TEST(WrittenQuestions, ScoreOfAnAnswer) {
  EXPECT_EQ(answer_score("the cellar", "It was in the cellar, I think.\nOr not."), 1);
  EXPECT_EQ(answer_score("Kim", "Somebody else\nKim"), 0);
  EXPECT_NEAR(answer_score("a red brick house", "red house"), 0.8, 1e-9);
}

TEST(WrittenQuestions, Proposals) {
  const Proposals proposals =
      parse_proposals("\n## 1) Who? | Kim | K\n\n***\nAnswer: Where? | Answer: there\nWhy?|\n| x");
  ASSERT_EQ(proposals.questions.size(), 2u);
  EXPECT_EQ(proposals.questions[0].answer, "Kim | K");
  EXPECT_EQ(proposals.questions[1].question, "Where?");
  EXPECT_EQ(proposals.questions[1].answer, "there");
  EXPECT_EQ(proposals.unusable, 2);
}

}  // namespace
}  // namespace tome::data
