#include "eval/judge.h"

#include <algorithm>

#include "base/error.h"
#include "eval/compare.h"
#include "eval/report.h"
#include "eval/results.h"
#include "eval/sample_json.h"
#include "eval_files.h"

namespace tome::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

// Says what it is told to, and remembers what it was asked.
class FakeJudge : public Answerer {
 public:
  explicit FakeJudge(std::vector<std::string> words) : words_(std::move(words)) {}

  void answer(const EvalSet& set, std::span<const std::size_t> wanted,
              const std::function<void(std::size_t, const EvalAnswer&)>& on_answer,
              const std::function<void(const AnswerProgress&)>&, const std::atomic<bool>&) override {
    for (const std::size_t index : wanted) {
      if (asked.size() == words_.size()) return;
      EvalAnswer said;
      said.text = words_[asked.size()];
      if (said.text == "(error)") said = {.text = "", .finish_reason = "", .error = "no connection"};
      said.cost = 0.5;
      asked.push_back(set.samples.at(index));
      on_answer(index, said);
    }
  }
  nlohmann::json description() const override { return {{"name", "fake"}}; }

  std::vector<EvalSample> asked;

 private:
  std::vector<std::string> words_;
};

std::optional<bool> verdict_of(const std::string& words) {
  Verdict verdict;
  verdict.said.text = words;
  return verdict.same();
}

class JudgeTest : public EvalFolderTest {
 protected:
  // Three answers on topics, of which only the first names the topic in its own words.
  RunFolder made(const std::string& name, const std::vector<std::string>& answers) const {
    EvalSet set;
    set.documents = {{"A record.\n", 0}};
    for (std::size_t i = 0; i < answers.size(); ++i) {
      EvalSample sample;
      sample.id = cat("topics-", i);
      sample.task = "topics";
      sample.length = 4096;
      sample.question = "What was the first topic?";
      sample.answers = {"The role of bees in farming"};
      sample.details = {{"judge", true}, {"topics", {"The role of bees in farming"}}};
      set.samples.push_back(sample);
    }
    RunFolder run(folder() / name);
    run.save(set, {{"tasks", {"topics"}}});
    run.set_answerer({{"name", "model"}});
    const auto file = run.append_answers("whole", {});
    for (std::size_t i = 0; i < answers.size(); ++i) {
      EvalAnswer answer;
      answer.text = answers[i];
      answer.finish_reason = "stop";
      file->add(json_line(to_json(set.samples[i].id, answer)));
    }
    return run;
  }

  static void judge(RunFolder& run, FakeJudge& fake) {
    run.set_judge(fake.description());
    const EvalSet set = run.load();
    Judging(run, set, "whole", {}).ask(fake, {}, false);
  }

  static std::vector<ResultRow> rows_of(const RunFolder& run) {
    const View view{"whole", "", run.answers("whole"), read_verdicts(run, "whole")};
    return make_results(run.load(), std::span(&view, 1), "model");
  }

  const std::vector<std::string> answers_ = {"The role of bees in farming", "How bees help farmers\nMore", "Cars"};
};

TEST(Verdict, YesOrNoStandsAtTheBeginningOrTheEnd) {
  for (const char* words : {"yes", "Yes.", "**YES**", " yes, it does", "They agree: yes",
                            "<think>No?\nno</think>\n\nYes", "Yes. There is no difference between them."}) {
    EXPECT_EQ(verdict_of(words), true) << words;
  }
  for (const char* words : {"no", "No, cars are something else.", "The verdict is no."}) {
    EXPECT_EQ(verdict_of(words), false) << words;
  }
  for (const char* words : {"", "...", "Yes and no", "nothing", "yesterday", "maybe", "There is no doubt"}) {
    EXPECT_EQ(verdict_of(words), std::nullopt) << words;
  }
}

TEST_F(JudgeTest, AsksWithoutTheDocumentAndKeepsEachVerdict) {
  RunFolder run = made("run", answers_);
  FakeJudge fake({"yes", "Yes, the same.", "Hm."});
  judge(run, fake);
  ASSERT_EQ(fake.asked.size(), 3u);
  const EvalSample& asked = fake.asked[1];
  EXPECT_EQ(asked.id, "whole/topics-1");
  EXPECT_THAT(asked.question, HasSubstr("What was the first topic?"));
  EXPECT_THAT(asked.question, HasSubstr("The role of bees in farming"));
  EXPECT_THAT(asked.question, HasSubstr("How bees help farmers"));
  EXPECT_THAT(asked.question, Not(HasSubstr("More")));  // the answer as it is scored
  const auto lines = run.lines("judged/whole.jsonl");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[1].at("verdict"), "yes");
  EXPECT_EQ(lines[1].at("text"), "Yes, the same.");
  EXPECT_EQ(lines[2].at("verdict"), "unclear");
}

TEST_F(JudgeTest, GoesOnWhereItStopped) {
  RunFolder run = made("run", answers_);
  FakeJudge first({"yes", "(error)"});
  judge(run, first);
  std::vector<ResultRow> rows = rows_of(run);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].n, 1u);
  EXPECT_EQ(rows[1].errors, 1u);
  EXPECT_EQ(rows[1].missing, 1u);
  FakeJudge second({"no", "no", "no"});
  judge(run, second);
  ASSERT_EQ(second.asked.size(), 2u);
  EXPECT_EQ(second.asked[0].id, "whole/topics-1");
  FakeJudge third({"no"});
  judge(run, third);
  EXPECT_TRUE(third.asked.empty());
}

TEST_F(JudgeTest, ItsRowsStandBesideTheExactOnes) {
  RunFolder run = made("run", answers_);
  EXPECT_EQ(rows_of(run).size(), 1u);
  FakeJudge fake({"yes", "yes", "Hm."});
  judge(run, fake);
  const std::vector<ResultRow> rows = rows_of(run);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].task, "topics");
  EXPECT_NEAR(rows[0].score, 1.0 / 3, 1e-9);
  EXPECT_EQ(rows[1].task, "topics (judged)");
  EXPECT_EQ(rows[1].n, 3u);
  EXPECT_EQ(rows[1].unclear, 1u);
  EXPECT_NEAR(rows[1].score, 2.0 / 3, 1e-9);
  EXPECT_EQ(rows[1].cost, 1.5);
  const auto means = mean_over_parts(rows, "topics", "model");
  ASSERT_EQ(means.size(), 1u);
  EXPECT_EQ(means[0].parts, 1u);
  const auto objects = results_json(rows, run.run());
  EXPECT_EQ(objects[1].at("judge").at("name"), "fake");
  EXPECT_FALSE(objects[0].contains("judge"));
}

TEST_F(JudgeTest, AVerdictHoldsForTheWordsItWasAskedAbout) {
  RunFolder run = made("run", answers_);
  FakeJudge fake({"yes", "yes", "yes"});
  judge(run, fake);
  Answers answers = run.answers("whole");
  answers.at("topics-2").text = "Boats";
  run.append_answers("whole", answers);
  EXPECT_EQ(rows_of(run)[1].missing, 1u);
  FakeJudge again({"no", "no"});
  judge(run, again);
  ASSERT_EQ(again.asked.size(), 1u);
  EXPECT_THAT(again.asked[0].question, HasSubstr("Boats"));
  EXPECT_NEAR(rows_of(run)[1].score, 2.0 / 3, 1e-9);
}

TEST_F(JudgeTest, ReportAndComparisonShowIt) {
  RunFolder one = made("one", answers_), two = made("two", answers_);
  FakeJudge kind({"yes", "yes", "unsure"}), strict({"yes", "no", "no"});
  judge(one, kind);
  judge(two, strict);
  const EvalSet set = one.load();
  const View view{"whole", "", one.answers("whole"), read_verdicts(one, "whole")};
  const RunReport report{one, set, std::span(&view, 1), {}};
  write_reports(report);
  const std::string words = text_of(folder() / "one" / "report.md");
  EXPECT_THAT(words, HasSubstr("| topics (judged) | model |"));
  EXPECT_THAT(words, HasSubstr("1 of its verdicts are unclear"));
  EXPECT_THAT(words, Not(HasSubstr("Mean over the parts")));
  EXPECT_THAT(text_of(folder() / "one" / "transcript.md"), HasSubstr("0.00, judged 1  How bees help farmers"));
  const Comparison comparison = compare_runs({load_run(folder() / "one"), load_run(folder() / "two")});
  const auto pair = std::find_if(comparison.pairs.begin(), comparison.pairs.end(),
                                 [](const ComparedPair& p) { return p.task == "topics (judged)"; });
  ASSERT_NE(pair, comparison.pairs.end());
  EXPECT_EQ(pair->test.n, 3u);
  EXPECT_NEAR(pair->test.difference, -1.0 / 3, 1e-9);
}

TEST_F(JudgeTest, RunsOfDifferentJudgesAreNotTested) {
  RunFolder one = made("one", answers_), two = made("two", answers_);
  FakeJudge fake({"yes", "yes", "yes"}), other({"yes", "yes", "yes"});
  judge(one, fake);
  judge(two, other);
  ComparedRun second = load_run(folder() / "two");
  second.judge = {{"name", "another"}};
  const Comparison comparison = compare_runs({load_run(folder() / "one"), second});
  EXPECT_TRUE(std::none_of(comparison.pairs.begin(), comparison.pairs.end(),
                           [](const ComparedPair& p) { return p.task == "topics (judged)"; }));
}

TEST_F(JudgeTest, AFolderHasOneJudge) {
  RunFolder run = made("run", answers_);
  FakeJudge fake({"yes"});
  judge(run, fake);
  EXPECT_THAT(
      [&] {
        run.set_judge({{"name", "other"}});
      },
      ThrowsMessage<UserError>(HasSubstr("what another judge said (name: \"fake\" there, \"other\" now)")));
}

TEST_F(JudgeTest, OtherTasksAreJudgedWhenTheyAreNamed) {
  EvalSample sample;
  sample.task = "longbench/qasper";
  EXPECT_FALSE(wants_judge(sample, {}));
  for (const char* name : {"longbench", "longbench/qasper"}) {
    EXPECT_TRUE(wants_judge(sample, std::vector<std::string>{name})) << name;
  }
  EXPECT_FALSE(wants_judge(sample, std::vector<std::string>{"longbench/narrativeqa"}));
  sample.details = {{"judge", true}};
  EXPECT_TRUE(wants_judge(sample, {}));
}

TEST_F(JudgeTest, ABrokenVerdictNamesItsFile) {
  RunFolder run = made("run", answers_);
  std::filesystem::create_directories(folder() / "run" / "judged");
  file("run/judged/whole.jsonl", "{\"id\": \"topics-0\"}\n");
  EXPECT_THAT([&] { read_verdicts(run, "whole"); },
              ThrowsMessage<UserError>(HasSubstr("whole.jsonl: a line is not a verdict")));
}

}  // namespace
}  // namespace tome::eval
