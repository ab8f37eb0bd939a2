#include "eval/fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "text/letter_tokenizer.h"

namespace tome::eval {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// One token a letter.
class FitTest : public testing::Test {
 protected:
  FitTest() {
    set_.documents = {{std::string(50, 'a'), 0}, {"begin" + std::string(90, 'b') + "end", 0}};
    for (std::size_t i = 0; i < 2; ++i) {
      EvalSample sample;
      sample.document = i;
      sample.question = "who";
      sample.answer_tokens = 10;
      sample.answers = {"x"};
      set_.samples.push_back(sample);
    }
  }
  const Tokenizer& letters() const { return tokenizer_; }

  EvalSet set_;
  LetterTokenizer tokenizer_;
};

TEST_F(FitTest, WhatFitsStays) {
  const Fitted fitted = fit_samples(set_, letters(), 98 + 3 + 10 + 5, 5, TooLong::kError);
  EXPECT_EQ(fitted.set.documents[1].text, set_.documents[1].text);
  EXPECT_TRUE(fitted.skipped.empty());
}

TEST_F(FitTest, OneTokenTooManyIsAnErrorWithBothNumbers) {
  EXPECT_THAT([&] { fit_samples(set_, letters(), 98 + 3 + 10 + 4, 5, TooLong::kError); },
              ThrowsMessage<UserError>(HasSubstr("the longest sample takes 116 tokens, the window has 115")));
}

TEST_F(FitTest, SkippingLeavesOutTheSamplesOfLongDocuments) {
  const Fitted fitted = fit_samples(set_, letters(), 100, 5, TooLong::kSkip);
  EXPECT_EQ(fitted.skipped, std::vector<std::size_t>{1});
}

TEST_F(FitTest, CuttingTakesTheMiddleAndCountsIt) {
  const Fitted fitted = fit_samples(set_, letters(), 80, 5, TooLong::kCut);
  const EvalDocument& document = fitted.set.documents[1];
  EXPECT_TRUE(document.text.starts_with("begin"));
  EXPECT_TRUE(document.text.ends_with("end"));
  EXPECT_EQ(document.text.size(), 80u - 3 - 10 - 5);
  EXPECT_EQ(document.cut_tokens, 98 - 60);
  EXPECT_EQ(fitted.set.documents[0].cut_tokens, 0);
}

TEST_F(FitTest, AQuestionLongerThanTheWindowIsAnErrorEvenWhenCutting) {
  EXPECT_THAT([&] { fit_samples(set_, letters(), 17, 5, TooLong::kCut); },
              ThrowsMessage<UserError>(HasSubstr("takes 18 tokens, the window has 17")));
}

TEST_F(FitTest, TheLongestQuestionOfADocumentDecides) {
  EvalSample long_one = set_.samples[1];
  long_one.shots = {{"one", "two"}};  // 6 letters and 16 for the words around
  set_.samples.push_back(long_one);
  EXPECT_NO_THROW(fit_samples(set_, letters(), 116 + 22, 5, TooLong::kError));
  EXPECT_THROW(fit_samples(set_, letters(), 116 + 21, 5, TooLong::kError), UserError);
}

}  // namespace
}  // namespace tome::eval
