#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <set>

#include "eval/scorers/accepted_answer.h"
#include "eval/task.h"
#include "eval/tasks/book_text.h"
#include "formats/files.h"

namespace tome::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

/// An environment variable for the length of a test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const char* value) const {
    if (value != nullptr) {
      ::setenv(name_, value, 1);
    } else {
      ::unsetenv(name_);
    }
  }
  const char* name_;
  std::optional<std::string> before_;
};

constexpr std::string_view kNovel =
    "\xEF\xBB\xBFThe Project Gutenberg EBook of Oak\r\n\r\n*** START OF THIS PROJECT GUTENBERG EBOOK OAK "
    "***\r\n\r\n\r\n"
    "Produced by a typist\r\nand her sister\r\n\r\n\r\nOAK\r\n\r\nThe gardener did it.\r\n\r\nWith a rake.\r\n\r\n\r\n"
    "End of Project Gutenberg's Oak\r\n\r\n*** END OF THIS PROJECT GUTENBERG EBOOK OAK ***\r\n\r\nLicence.\r\n";
constexpr std::string_view kNovelBody = "OAK\n\nThe gardener did it.\n\nWith a rake.";

class NovelTask : public testing::Test {
 protected:
  std::filesystem::path questions(std::string_view rows) const { return folder_.write("questions.jsonl", rows); }
  EvalSet make(std::string_view rows) {
    request_.data["novel"] = questions(rows);
    return find_task("novel").make(request_);
  }
  void expect_error(std::string_view rows, std::string_view part) {
    expect_user_error([&] { make(rows); }, part);
  }

  Scratch folder_;
  TaskRequest request_;
  Variable data_{"TOME_DATA", nullptr}, sets_{"TOME_EVAL_SETS", nullptr};
};

TEST_F(NovelTask, ReadsABookOnceAndAsksAllItsQuestions) {
  folder_.write("oak.txt", kNovel);
  folder_.write("ash.txt", "The cook did it.\n");
  request_.data["books"] = folder_.path();
  const EvalSet set =
      make(R"({"book": "oak.txt", "question": "Who?", "answers": ["the gardener", "gardener"], "kind": "who"})"
           "\n\n"
           R"({"text": "ash.txt", "question": "Who?", "answers": ["cook"], "where": 4})"
           "\n"
           R"({"book": "oak.txt", "question": "How?", "answers": ["rake"]})");
  ASSERT_THAT(set.documents, SizeIs(2));
  EXPECT_EQ(set.documents[0].text, kNovelBody);
  EXPECT_EQ(set.documents[1].text, "The cook did it.");
  ASSERT_THAT(set.samples, SizeIs(3));
  EXPECT_EQ(set.samples[0].id, "novel-oak-1");
  EXPECT_EQ(set.samples[0].task, "novel/oak");
  EXPECT_EQ(set.samples[0].details["kind"], "who");
  EXPECT_THAT(set.samples[0].answers, ElementsAre("the gardener", "gardener"));
  EXPECT_EQ(set.samples[0].depth, -1);
  EXPECT_EQ(set.samples[1].id, "novel-oak-2");
  EXPECT_EQ(set.samples[1].question, "How?");
  EXPECT_EQ(set.samples[1].document, 0u);
  EXPECT_EQ(set.samples[2].id, "novel-ash-1");
  EXPECT_EQ(set.samples[2].document, 1u);
  EXPECT_DOUBLE_EQ(set.samples[2].depth, 0.25);
  EXPECT_THAT(set.notes, SizeIs(0));
}

TEST_F(NovelTask, ScoresTheFirstLineOfAnAnswer) {
  const Task& task = find_task("novel/oak");
  EXPECT_TRUE(task.always_compare);
  EvalSample sample;
  sample.answers = {"the gardener", "gardener"};
  EXPECT_EQ(task.score(sample, "The GARDENER."), 1.0);
  EXPECT_EQ(task.score(sample, "gardeners"), 0.0);
  EXPECT_EQ(task.score(sample, "The cook\nor the gardener"), 0.0);
}

TEST_F(NovelTask, CountsDepthFromTheBooksOwnBegin) {
  const BookText book = read_book(folder_.write("oak.txt", kNovel));
  EXPECT_EQ(book.body(), kNovelBody);
  EXPECT_EQ(book.text.find('\r'), std::string::npos);
  const std::size_t where = book.text.find("With a rake");
  const EvalSet set = make(cat(R"({"text": "oak.txt", "question": "How?", "answers": ["rake"], "where": )", where,
                               R"(, "sha256": ")", book.sha256, R"("})"));
  EXPECT_DOUBLE_EQ(set.samples.at(0).depth, static_cast<double>(kNovelBody.find("With")) / kNovelBody.size());
  expect_error(R"({"text": "oak.txt", "question": "How?", "answers": ["rake"], "where": 5})",
               "questions.jsonl:1: where: got 5, expected a byte of [");
  expect_error(cat(R"({"text": "oak.txt", "question": "How?", "answers": ["rake"], "where": )", book.end, "}"),
               "which is the book in");
}

TEST_F(NovelTask, ReadsExcerptsByTheirKind) {
  folder_.write("oak.txt", "Caf\xC3\xA9. The gardener did it. The cook saw it.");
  const auto row = [](std::string_view more) {
    return cat(R"({"text": "oak.txt", "question": "Who?", "answers": ["the cook"], )", more, "}\n");
  };
  const EvalSet set =
      make(row(R"("begin": 7, "end": 44, "where": 28, "kind": "short")") + row(R"("begin": 7, "end": 44)") +
           row(R"("begin": 0, "end": 44)") + row(R"("where": 0)") + row(R"("begin": 7, "end": 28)"));
  ASSERT_THAT(set.documents, SizeIs(4));
  EXPECT_EQ(set.documents[0].text, "The gardener did it. The cook saw it.");
  ASSERT_THAT(set.samples, SizeIs(5));
  EXPECT_EQ(set.samples[4].id, "novel-oak-7-28-1");
  EXPECT_EQ(set.samples[0].task, "novel/short");
  EXPECT_EQ(set.samples[0].id, "novel-oak-7-44-1");
  EXPECT_DOUBLE_EQ(set.samples[0].depth, 21.0 / 37.0);
  EXPECT_EQ(set.samples[1].task, "novel/excerpts");
  EXPECT_EQ(set.samples[1].document, 0u);
  EXPECT_EQ(set.samples[2].id, "novel-oak-0-44-1");
  EXPECT_EQ(set.samples[3].id, "novel-oak-1");
  EXPECT_EQ(set.samples[3].task, "novel/oak");

  expect_error(row(R"("begin": 7)"), "begin and end: expected both");
  expect_error(row(R"("begin": 7, "end": 7)"), "begin and end: expected both");
  expect_error(row(R"("begin": 7, "end": 45)"), "begin and end: got [7, 45), expected bytes of the text in");
  expect_error(row(R"("begin": 4, "end": 44)"), "between two characters");
  expect_error(row(R"("begin": 7, "end": 44, "where": 3)"),
               "where: got 3, expected a byte of [7, 44), which is the excerpt");
}

TEST_F(NovelTask, CountsWordsInCommonWhenAsked) {
  folder_.write("oak.txt", "The gardener did it.");
  request_.settings["novel.score"] = "f1";
  const std::string row = R"({"text": "oak.txt", "question": "Who?", "answers": ["the cook", "the old gardener"]})";
  const EvalSample sample = make(row).samples.at(0);
  const Task& task = find_task("novel/oak");
  EXPECT_DOUBLE_EQ(task.score(sample, "The gardener\nand the cook"), 2.0 / 3.0);  // of "old gardener"
  EXPECT_EQ(task.score(sample, "a maid"), 0.0);
  request_.settings["novel.score"] = "rouge";
  expect_error(row, "novel.score: got 'rouge', expected accepted or f1");
}

TEST_F(NovelTask, RefusesAnotherEdition) {
  folder_.write("abc.txt", "abc");
  constexpr std::string_view kHash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";  // FIPS 180-4
  const std::string row = cat(R"({"text": "abc.txt", "question": "?", "answers": ["a"], "sha256": ")", kHash, R"("})");
  EXPECT_THAT(make(row).samples, SizeIs(1));
  folder_.write("abc.txt", "abd");
  expect_error(row, kHash);
  expect_error(row, "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9");
}

TEST_F(NovelTask, TakesSomeQuestionsOfEachBookBySeed) {
  folder_.write("ash.txt", "The cook did it.\n");
  std::string rows;
  for (int i = 1; i <= 30; ++i)
    rows += cat(R"({"text": "ash.txt", "question": "Who )", i, R"(?", "answers": ["cook"]})", '\n');
  const auto ids = [&] {
    std::vector<std::string> out;
    for (const EvalSample& sample : make(rows).samples) out.push_back(sample.id + sample.question);
    return out;
  };
  EXPECT_THAT(ids(), SizeIs(30));
  request_.samples = 7;
  const auto first = ids();
  EXPECT_THAT(first, SizeIs(7));
  EXPECT_EQ(first, ids());
  request_.seed = 2;
  EXPECT_NE(first, ids());
  request_.samples = 31;
  EXPECT_THAT(ids(), SizeIs(30));
}

TEST_F(NovelTask, GivesNoMoreShotsThanThereAre) {
  folder_.write("ash.txt", "The cook did it.\n");
  const std::string row = R"({"text": "ash.txt", "question": "Who?", "answers": ["cook"]})";
  EXPECT_THAT(make(row).samples.at(0).shots, SizeIs(0));
  request_.shots = 1;
  EXPECT_THAT(make(row).samples.at(0).shots, SizeIs(1));
  request_.shots = 9;
  EXPECT_THAT(make(row).samples.at(0).shots, SizeIs(2));
}

TEST_F(NovelTask, SaysWhichRowIsWrongAndWhy) {
  folder_.write("ash.txt", "The cook did it.\n");
  const auto row = [](std::string_view fields) { return cat("\n{\"question\": \"Who?\", ", fields, "}\n"); };
  expect_error("\n[1]\n", "questions.jsonl:2: got array, expected an object");
  expect_error("{", "questions.jsonl:1: not valid JSON");
  expect_error("{\"question\": \"\xFF\"}", "questions.jsonl:1: not UTF-8");
  expect_error(" \n", "holds no questions");
  expect_error(row(R"("answers": ["a"])"), ":2: expected either book");
  expect_error(row(R"("book": "a.txt", "text": "ash.txt", "answers": ["a"])"), ":2: expected either book");
  expect_error(row(R"("text": "ash.txt")"), ":2: answers is missing");
  expect_error(row(R"("text": "ash.txt", "answers": "a")"), ":2: answers: got string, expected an array");
  expect_error(row(R"("text": "ash.txt", "answers": [])"), ":2: answers: got an empty array");
  expect_error(row(R"("text": "ash.txt", "answers": ["a", 3])"), ":2: answers[1]: got number");
  expect_error(row(R"("text": "ash.txt", "answers": ["_ "])"), ":2: answers[0]: is empty");
  expect_error(row(R"("text": "ash.txt", "answers": ["a"], "where": -1)"), ":2: where: got -1");
  expect_error(row(R"("text": "ash.txt", "answers": ["a"], "where": 1.5)"), ":2: where: got 1.5");
  expect_error(row(R"("text": "ash.txt", "answers": ["a"], "where": "x")"), ":2: where: got string");
  expect_error(row(R"("text": "ash.txt", "answers": ["a"], "sha256": "BA78")"), ":2: sha256: got 'BA78'");
  expect_error(row(R"("text": "ash.txt", "answers": ["a"], "kind": 1)"), ":2: kind: got number");
  expect_error(R"({"text": "ash.txt", "answers": ["a"]})", ":1: question is missing");
}

TEST_F(NovelTask, StaysInsideTheFoldersItIsGiven) {
  request_.data["books"] = folder_.path();
  for (const std::string_view name : {"../a.txt", "/etc/hostname", "..", ".", "a/b.txt", "a/"}) {
    expect_error(cat(R"({"book": ")", name, R"(", "question": "?", "answers": ["a"]})"), ":1: book: got ");
  }
  for (const std::string_view name : {"../a.txt", "/etc/hostname", "a/../../b.txt", "a\\nb"}) {
    expect_error(cat(R"({"text": ")", name, R"(", "question": "?", "answers": ["a"]})"), ":1: text: got ");
  }
}

TEST_F(NovelTask, SaysWhatBookIsMissing) {
  const std::string book = R"({"book": "oak.txt", "question": "?", "answers": ["a"]})";
  expect_error(book, ":1: is about oak.txt, which needs --data books=FOLDER");
  request_.data["books"] = folder_.path();
  expect_error(book, "oak.txt, and there is no such file");
  expect_error(R"({"text": "ash.txt", "question": "?", "answers": ["a"]})", "ash.txt, and there is no such file");
  folder_.write("oak.txt", "\xFF");
  expect_error(book, "oak.txt: not UTF-8");
  folder_.write("oak.txt", " \r\n\n");
  expect_error(book, "oak.txt: holds no text");
  request_.data["books"] = folder_.path() / "nothing";
  expect_error(book, "--data books=");
}

TEST_F(NovelTask, RefusesTwoTextsOfOneName) {
  folder_.write("oak.txt", "a");
  folder_.write("oak.md", "a");
  expect_error(R"({"text": "oak.txt", "question": "?", "answers": ["a"]})"
               "\n"
               R"({"text": "oak.md", "question": "?", "answers": ["a"]})",
               "questions.jsonl:2: ");
}

// Each question of ours can be answered from the text where it says so, and not from the question.
void expect_answerable(const EvalSet& set) {
  constexpr std::size_t kNear = 600;
  std::set<std::string> ids;
  for (const EvalSample& sample : set.samples) {
    EXPECT_TRUE(ids.insert(sample.id).second) << sample.id;
    ASSERT_GE(sample.depth, 0) << sample.id;
    ASSERT_LT(sample.depth, 1) << sample.id;
    const std::string& text = set.documents.at(sample.document).text;
    const auto where = static_cast<std::size_t>(std::lround(sample.depth * static_cast<double>(text.size())));
    const std::size_t begin = where - std::min(where, kNear);
    const std::string near = text.substr(begin, where - begin + kNear);
    EXPECT_TRUE(std::any_of(sample.answers.begin(), sample.answers.end(), [&](const std::string& answer) {
      return contains_answer(near, answer);
    })) << sample.id;
    EXPECT_FALSE(is_accepted(sample.question, sample.answers)) << sample.id;
  }
}

TEST_F(NovelTask, HasAStoryOfItsOwn) {
  const EvalSet set = find_task("novel").make(request_);
  ASSERT_THAT(set.documents, SizeIs(1));
  EXPECT_GE(set.samples.size(), 12u);
  expect_answerable(set);
  for (const std::string& note : set.notes) EXPECT_THAT(note, HasSubstr("no --data books=FOLDER was given"));
}

TEST_F(NovelTask, FindsItsOwnSetsByTheEnvironment) {
  const Variable sets("TOME_EVAL_SETS", folder_.path().c_str());
  expect_user_error([&] { find_task("novel").make(request_); }, "set TOME_EVAL_SETS");
  std::filesystem::create_directory(folder_.path() / "detective");
  expect_user_error([&] { find_task("novel").make(request_); }, "holds no *.jsonl");
  folder_.write("detective/ash.txt", "The cook did it.\n");
  folder_.write("detective/ash.jsonl", R"({"text": "ash.txt", "question": "Who?", "answers": ["cook"]})");
  EXPECT_EQ(find_task("novel").make(request_).samples.at(0).id, "novel-ash-1");
}

TEST(NovelSets, AskAboutTheDetectiveNovels) {
  const char* data = std::getenv("TOME_DATA");
  if (data == nullptr || !std::filesystem::exists(std::filesystem::path(data) / "books")) {
    GTEST_SKIP() << "set TOME_DATA to a folder whose folder books holds the novels of eval_sets/README.md";
  }
  const EvalSet set = find_task("novel").make({});
  EXPECT_THAT(set.notes, SizeIs(0));
  EXPECT_GE(set.documents.size(), 6u);
  EXPECT_GE(set.samples.size(), 52u);
  expect_answerable(set);
}

}  // namespace
}  // namespace tome::eval
