#include "eval/run_folder.h"

#include "base/error.h"
#include "eval/sample_json.h"
#include "eval_files.h"

namespace tome::eval {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class RunFolderTest : public EvalFolderTest {
 protected:
  static EvalSet two_documents() {
    EvalSet set;
    set.documents = {{"The door is red.\n", 0}, {"", 0}};
    EvalSample one;
    one.id = "a/1";
    one.task = "novel";
    one.question = "Which colour?";
    one.answers = {"red", "Red"};
    one.shots = {{"Who?", "Nobody"}};
    one.details = {{"language", "en"}};
    EvalSample two = one;
    two.id = "a/2";
    two.document = 1;
    two.depth = 0.25;
    two.one_line = false;
    set.samples = {one, two};
    return set;
  }

  static EvalAnswer answer(const std::string& text) {
    EvalAnswer answer;
    answer.text = text;
    answer.finish_reason = "stop";
    answer.seconds = 1.5;
    return answer;
  }

  const nlohmann::json request_ = {{"tasks", {"novel"}}, {"seed", 1}};
};

TEST_F(RunFolderTest, SamplesComeBackAsTheyWere) {
  const EvalSet set = two_documents();
  RunFolder(folder() / "run").save(set, request_);
  const RunFolder again(folder() / "run");
  const std::optional<EvalSet> loaded = again.load(request_);
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->samples.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(to_json(loaded->samples[i]), to_json(set.samples[i]));
  EXPECT_EQ(loaded->documents[0].text, set.documents[0].text);
  EXPECT_EQ(fingerprint(*loaded, loaded->samples[0]), fingerprint(set, set.samples[0]));
}

TEST_F(RunFolderTest, AnotherRequestIsRefusedAndSaysWhatDiffers) {
  RunFolder(folder() / "run").save(two_documents(), request_);
  const RunFolder again(folder() / "run");
  EXPECT_THAT(
      [&] {
        (void)again.load({{"tasks", {"novel"}}, {"seed", 2}});
      },
      ThrowsMessage<UserError>(HasSubstr("seed: 1 there, 2 now")));
}

TEST_F(RunFolderTest, AnswersOfAnotherModelAreRefused) {
  RunFolder run(folder() / "run");
  run.save(two_documents(), request_);
  run.set_answerer({{"name", "gemma"}});
  run.set_answerer({{"name", "smollm2"}});  // no answers yet
  run.append_answers("whole", {})->add(json_line(to_json("a/1", answer("red"))));
  EXPECT_THAT(
      [&] {
        run.set_answerer({{"name", "gemma"}});
      },
      ThrowsMessage<UserError>(HasSubstr("name: \"smollm2\" there, \"gemma\" now")));
}

TEST_F(RunFolderTest, ACutOffLastAnswerIsLeftOutAndOverwritten) {
  RunFolder run(folder() / "run");
  run.save(two_documents(), request_);
  {
    const auto file = run.append_answers("whole", {});
    file->add(json_line(to_json("a/1", answer("red"))));
    file->add(json_line(to_json("a/2", answer("blue"))));
  }
  const auto path = folder() / "run" / "answers" / "whole.jsonl";
  const std::string whole = text_of(path);
  std::ofstream(path, std::ios::binary) << whole.substr(0, whole.size() - 5);
  Answers kept = run.answers("whole");
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept.at("a/1").text, "red");
  EXPECT_EQ(kept.at("a/1").seconds, 1.5);
  run.append_answers("whole", kept)->add(json_line(to_json("a/2", answer("green"))));
  EXPECT_EQ(run.answers("whole").at("a/2").text, "green");
  EXPECT_EQ(run.views(), std::vector<std::string>{"whole"});
}

TEST_F(RunFolderTest, AFolderOfOtherFilesIsRefused) {
  file("notes.txt", "mine");
  EXPECT_THAT([&] { RunFolder run(folder()); }, ThrowsMessage<UserError>(HasSubstr("holds files but no run")));
  EXPECT_THAT([&] { RunFolder::open(folder()); }, ThrowsMessage<UserError>(HasSubstr("is not the folder of a run")));
}

TEST_F(RunFolderTest, ABrokenSampleNamesItsLine) {
  RunFolder(folder() / "run").save(two_documents(), request_);
  std::ofstream(folder() / "run" / "samples.jsonl", std::ios::app) << "{\"id\": 3}\n";
  EXPECT_THAT([&] { (void)RunFolder(folder() / "run").load(); },
              ThrowsMessage<UserError>(HasSubstr("samples.jsonl:3: is not a sample")));
}

TEST_F(RunFolderTest, TheFingerprintKnowsDocumentQuestionAndAnswers) {
  const EvalSet set = two_documents();
  EvalSet other = set;
  other.documents[0].text += " ";
  EXPECT_NE(fingerprint(set, set.samples[0]), fingerprint(other, other.samples[0]));
  other = set;
  other.samples[0].answers.pop_back();
  EXPECT_NE(fingerprint(set, set.samples[0]), fingerprint(other, other.samples[0]));
  other = set;
  other.samples[0].shots.clear();
  EXPECT_NE(fingerprint(set, set.samples[0]), fingerprint(other, other.samples[0]));
}

}  // namespace
}  // namespace tome::eval
