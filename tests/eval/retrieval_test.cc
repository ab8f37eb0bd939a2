#include "eval/answerers/retrieval.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "eval/answerers/bm25_index.h"
#include "eval/api_server.h"
#include "text/letter_tokenizer.h"

namespace tome::eval {
namespace {

using testing::HasSubstr;
using testing::Not;

EvalSample sample(const std::string& id, std::size_t document, const std::string& question) {
  EvalSample result;
  result.id = id;
  result.document = document;
  result.question = question;
  result.answers = {"x"};
  return result;
}

/// A long text with one sentence of interest.
std::string text_with(const std::string& sentence) {
  std::string text;
  for (int i = 0; i < 200; ++i) {
    text += i == 120 ? sentence + " " : cat("On day ", i, " it rained and nobody came to the inn by the road. ");
  }
  return text;
}

EvalSet made_set() {
  EvalSet set;
  set.documents = {{text_with("The innkeeper hid the silver key in the clock."), 0}, {"A short text.\n", 0}, {"", 0}};
  set.samples = {sample("a", 0, "Where was the silver key?"), sample("b", 0, "the silver key, where?"),
                 sample("c", 0, "What happened on day 7?"), sample("d", 1, "What?"), sample("e", 2, "Why?")};
  set.notes = {"a note"};
  return set;
}

EvalSet retrieved(const EvalSet& set, PassageOptions options = {3, 200}) {
  static const LetterTokenizer kTokenizer;
  Bm25Retriever retriever;
  return with_passages(set, retriever, options, offsets_of(kTokenizer));
}

TEST(Retrieval, SamplesStayAndDocumentsBecomePassages) {
  const EvalSet set = made_set(), result = retrieved(set);
  ASSERT_EQ(result.samples.size(), set.samples.size());
  for (std::size_t i = 0; i < set.samples.size(); ++i) {
    EXPECT_EQ(result.samples[i].id, set.samples[i].id);
    EXPECT_EQ(result.samples[i].question, set.samples[i].question);
    EXPECT_EQ(result.samples[i].answers, set.samples[i].answers);
  }
  EXPECT_EQ(result.notes, set.notes);
  EXPECT_EQ(result.samples[0].document, result.samples[1].document);
  EXPECT_NE(result.samples[1].document, result.samples[2].document);
  EXPECT_EQ(result.documents.size(), 4u);
  const std::string& found = result.documents.at(result.samples[0].document).text;
  EXPECT_THAT(found, HasSubstr("hid the silver key in the clock."));
  EXPECT_LE(found.size(), 3 * 200 + 20u);
  EXPECT_THAT(result.documents.at(result.samples[2].document).text, HasSubstr("On day 7 it rained"));
  EXPECT_EQ(result.documents.at(result.samples[3].document).text, "A short text.\n");
  EXPECT_EQ(result.documents.at(result.samples[4].document).text, "");
}

TEST(Retrieval, PassagesStandInTheOrderOfTheText) {
  EvalSet set;
  set.documents = {{"alpha alpha. beta. gamma. delta delta. ", 0}};
  set.samples = {sample("a", 0, "delta or alpha?"), sample("b", 0, "gamma, beta?"), sample("c", 0, "everything")};
  EXPECT_EQ(retrieved(set, {2, 14}).documents.at(0).text, "alpha alpha. \n\n. . .\n\ndelta delta. ");
  EXPECT_EQ(retrieved(set, {2, 8}).documents.at(1).text, "beta. gamma. ");
  const EvalSet all = retrieved(set, {99, 14});
  EXPECT_EQ(all.documents.size(), 1u);
  EXPECT_EQ(all.documents.at(0).text, set.documents[0].text);
}

TEST(Retrieval, WithoutDocuments) {
  const EvalSet set = made_set(), result = without_documents(set);
  ASSERT_EQ(result.samples.size(), set.samples.size());
  ASSERT_EQ(result.documents.size(), 1u);
  EXPECT_EQ(result.documents[0].text, "");
  for (std::size_t i = 0; i < set.samples.size(); ++i) {
    EXPECT_EQ(result.samples[i].id, set.samples[i].id);
    EXPECT_EQ(result.samples[i].document, 0u);
  }
}

TEST(Retrieval, WrongOptions) {
  EXPECT_THAT(user_error_of([] { retrieved(made_set(), {0, 100}); }), HasSubstr("--passages"));
  EXPECT_THAT(user_error_of([] { retrieved(made_set(), {1, 0}); }), HasSubstr("--passage-tokens"));
}

}  // namespace
}  // namespace tome::eval
