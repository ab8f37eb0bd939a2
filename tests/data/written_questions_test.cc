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

TEST(WrittenQuestions, KeepsWhatNeedsTheWholeText) {
  FakeAnswerer answerer;
  WrittenOptions options;
  options.questions = 5;
  const auto passages = [](std::string_view, std::string_view) { return std::string("part"); };
  const auto score = [](std::string_view expected, std::string_view said) { return expected == said ? 1.0 : 0.0; };
  const WrittenResult result = write_questions({{"book", "whole", "MIT"}}, answerer, passages, score, options);
  EXPECT_EQ(result.proposed, 5);
  EXPECT_EQ(result.failed, 1);
  EXPECT_EQ(result.not_confirmed, 1);
  EXPECT_EQ(result.known_without, 1);
  EXPECT_EQ(result.found_in_passages, 1);
  ASSERT_EQ(result.rows.size(), 1u);
  ASSERT_EQ(result.rows[0].questions.size(), 1u);
  EXPECT_EQ(result.rows[0].questions[0].question, "Needs all?");
  EXPECT_EQ(result.rows[0].document, "whole");
  EXPECT_EQ(result.rows[0].licence, "MIT");
  EXPECT_EQ(answerer.documents, 1u + 1 + 3 + 2);  // the whole text is one document for all its questions
}

TEST(WrittenQuestions, AStopKeepsNothingHalfAsked) {
  FakeAnswerer answerer;
  const std::atomic<bool> stop{true};
  WrittenOptions options;
  options.questions = 5;
  options.stop = &stop;
  EXPECT_TRUE(write_questions({{"book", "whole", ""}}, answerer, {}, {}, options).rows.empty());
}

}  // namespace
}  // namespace tome::data
