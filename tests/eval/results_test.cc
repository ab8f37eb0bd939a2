#include "eval/results.h"

#include "base/error.h"
#include "eval/answerers/answers_file.h"
#include "eval/compare.h"
#include "eval/report.h"
#include "eval/view_name.h"
#include "eval_files.h"

namespace tome::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

// Questions of the task `lines`, whose answers are numbers.
EvalSet numbers(std::size_t count, std::int64_t length, const std::vector<double>& depths) {
  EvalSet set;
  set.documents = {{"text", 0}};
  for (std::size_t i = 0; i < count; ++i) {
    EvalSample sample;
    sample.id = cat("lines-", length, "-", i);
    sample.task = "lines";
    sample.length = length;
    sample.depth = depths[i % depths.size()];
    sample.question = cat("Number ", i, "?");
    sample.answers = {cat(100 + i)};
    set.samples.push_back(sample);
  }
  return set;
}

EvalAnswer said(const std::string& text) {
  EvalAnswer answer;
  answer.text = text;
  answer.finish_reason = "stop";
  answer.cut_tokens = 3;
  answer.seconds = 0.5;
  answer.prompt_tokens = 10;
  return answer;
}

EvalAnswer without_text(const std::string& reason, const std::string& error) {
  EvalAnswer answer;
  answer.finish_reason = reason;
  answer.error = error;
  return answer;
}

TEST(Results, EverySampleIsCountedOnce) {
  const EvalSet set = numbers(6, 4096, {0.5});
  View view{"whole", "", {}};
  view.answers = {{"lines-4096-0", said("100")},
                  {"lines-4096-1", said("It is 7.")},
                  {"lines-4096-2", said(" 102 \nor 7")},
                  {"lines-4096-3", without_text("skipped", "")},
                  {"lines-4096-4", without_text("", "too long for the model")}};
  const auto rows = make_results(set, std::span(&view, 1), "model");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].n, 3u);
  EXPECT_EQ(rows[0].skipped, 1u);
  EXPECT_EQ(rows[0].errors, 1u);
  EXPECT_EQ(rows[0].missing, 1u);
  EXPECT_DOUBLE_EQ(rows[0].score, 2.0 / 3);
  EXPECT_DOUBLE_EQ(rows[0].interval.low, wilson(2, 3).low);
  EXPECT_EQ(rows[0].cut_tokens, 9);
  EXPECT_EQ(rows[0].seconds, 1.5);
}

TEST(Results, AllRightIsOneWhateverTheNumber) {
  for (const std::size_t count : {3u, 49u, 100u}) {
    const EvalSet set = numbers(count, 4096, {0.5});
    View view{"whole", "", {}};
    for (std::size_t i = 0; i < count; ++i) view.answers[cat("lines-4096-", i)] = said(cat(100 + i));
    EXPECT_EQ(make_results(set, std::span(&view, 1), "model").at(0).score, 1.0) << count;
  }
}

TEST(Results, DepthsHaveRowsWhereTheyHaveSamples) {
  View view{"whole", "", {}};
  const EvalSet sparse = numbers(4, 1024, {0, 0.3, 0.6, 1}), full = numbers(8, 1024, {0, 0.3, 0.6, 1});
  EXPECT_EQ(make_results(sparse, std::span(&view, 1), "model").size(), 1u);
  const auto rows = make_results(full, std::span(&view, 1), "model");
  std::vector<double> depths;
  for (const ResultRow& row : rows) depths.push_back(row.depth);
  EXPECT_THAT(depths, ElementsAre(-1, 0, 0.3, 0.6, 1));
}

TEST(Results, AnswersOfOneLineAreScoredByTheirFirstLine) {
  EvalSample sample;
  EXPECT_EQ(scored_text(sample, "\n  forty two \r\nand more"), "forty two");
  EXPECT_EQ(scored_text(sample, " \n "), "");
  sample.one_line = false;
  EXPECT_EQ(scored_text(sample, "  a\nb "), "  a\nb ");
}

TEST(Results, ViewsHaveNames) {
  EXPECT_EQ(view_label(kWholeView), "");
  EXPECT_EQ(view_label(kNoDocumentView), "no document");
  EXPECT_EQ(view_label(retrieved_view("bm25", 3, 512)), "BM25 3 x 512");
  EXPECT_EQ(view_label(retrieved_view("embeddings", 5, 128)), "embeddings 5 x 128");
}

class RunTest : public EvalFolderTest {
 protected:
  // A run in which the first `right` answers are.
  std::filesystem::path run(const std::string& name, const EvalSet& set, std::size_t right) const {
    RunFolder folder_of_run(folder() / name);
    folder_of_run.save(set, {{"name", name}});
    folder_of_run.set_answerer({{"name", "model"}});
    Answers answers;
    for (std::size_t i = 0; i < set.samples.size(); ++i) {
      answers[set.samples[i].id] = said(i < right ? set.samples[i].answers[0] : "<b>none</b>");
    }
    folder_of_run.append_answers("whole", answers);
    return folder() / name;
  }
};

TEST_F(RunTest, ComparesPairsOfTheSameSamples) {
  const EvalSet set = numbers(10, 2048, {0.5});
  const Comparison comparison =
      compare_runs({load_run(run("one", set, 3)), load_run(run("two", set, 9)), load_run(run("three", set, 3))});
  ASSERT_EQ(comparison.pairs.size(), 2u);
  EXPECT_EQ(comparison.pairs[0].first, "model (one)");
  EXPECT_EQ(comparison.pairs[0].second, "model (two)");
  EXPECT_EQ(comparison.pairs[0].test.n, 10u);
  EXPECT_EQ(comparison.pairs[0].test.second_only, 6u);
  EXPECT_DOUBLE_EQ(comparison.pairs[0].test.p, 2.0 / 64);
  EXPECT_EQ(comparison.pairs[1].second, "model (three)");
  EXPECT_EQ(comparison.pairs[1].test.p, 1);
}

TEST_F(RunTest, OtherSamplesAreNotTested) {
  EvalSet set = numbers(4, 2048, {0.5}), other = set;
  other.documents[0].text = "another text";
  const Comparison comparison = compare_runs({load_run(run("one", set, 3)), load_run(run("two", other, 4))});
  ASSERT_EQ(comparison.pairs.size(), 1u);
  EXPECT_FALSE(comparison.pairs[0].same_samples);
  EXPECT_THAT(comparison_markdown(comparison), HasSubstr("other samples"));
}

TEST_F(RunTest, ReportsHoldWhatWasSaidAndNothingThatRuns) {
  EvalSet set = numbers(4, 2048, {0.5});
  set.samples[0].question = "<script>alert(1)</script>|?";
  const RunFolder opened = RunFolder::open(run("one", set, 2));
  const std::vector<View> views = {{"whole", "", opened.answers("whole")}};
  write_reports({opened, set, views, {}});
  const std::string html = text_of(opened.path() / "report.html");
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("0.50 [0.15, 0.85]"));
  EXPECT_THAT(text_of(opened.path() / "transcript.md"), HasSubstr("<script>alert(1)</script>\\|? | 100 | 1.00  100 |"));
  const auto rows = nlohmann::json::parse(text_of(opened.path() / "results.json"));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].at("score"), 0.5);
  EXPECT_TRUE(rows[0].at("depth").is_null());
}

TEST_F(RunTest, LongEvalsAnswersBelongToTheSamplesInTheirOrder) {
  const EvalSet set = numbers(2, 0, {0.5});
  const auto responses = file("200_response.txt",
                              "Label: 100, Predict: It is 100., Parsed: 100, prompt length: 9\n"
                              "Label: 101, Predict: No., Parsed: -1, prompt length: 9\nAccuracy: 0.5\n");
  AnswersFile answers(responses);
  std::vector<std::string> texts(2);
  const std::vector<std::size_t> wanted = {0, 1};
  const std::atomic<bool> stop{false};
  const auto keep = [&](std::size_t index, const EvalAnswer& answer) { texts[index] = answer.text; };
  answers.answer(set, wanted, keep, nullptr, stop);
  EXPECT_THAT(texts, ElementsAre("It is 100.", "No."));
  EXPECT_THAT([&] { answers.answer(numbers(3, 0, {0.5}), wanted, keep, nullptr, stop); },
              ThrowsMessage<UserError>(HasSubstr("holds 2 answers in order, the run has 3 samples")));
  EvalSet other = set;
  other.samples[1].answers = {"999"};
  EXPECT_THAT([&] { answers.answer(other, wanted, keep, nullptr, stop); },
              ThrowsMessage<UserError>(HasSubstr("answer 2 is to a question whose answer is '101'")));
}

}  // namespace
}  // namespace tome::eval
