// Training data in files: what is found, what is refused, and that an example read again is the same.
#include "train/training_set.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "data_files.h"
#include "train/data_file.h"

namespace tome {
namespace {

namespace fs = std::filesystem;

constexpr const char* kQuestion = R"({"document":"story","question":"why?","answer":"so"})";
constexpr const char* kText = R"({"text":"abc"})";

class TrainingSetTest : public testing::Test {
 protected:
  fs::path write(const std::string& name, std::string_view bytes) {
    const fs::path path = scratch_.path() / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  TrainingSet open(const std::vector<fs::path>& paths, DataOptions options = {}) {
    if (options.encode.window == 0) options.encode.window = 1000;
    return TrainingSet(paths, tokenizer_, layout_, options);
  }
  TrainingSet open_text(std::string_view bytes, DataOptions options = {}) {
    return open({write("data.jsonl", bytes)}, options);
  }
  std::string spell(const EncodedExample& example) { return tokenizer_.spell(example.ids); }

  Scratch scratch_;
  LetterTokenizer tokenizer_;
  Layout layout_ = short_layout();
};

TEST_F(TrainingSetTest, ExamplesAreThoseOfTheirLines) {
  const TrainingSet set = open_text(cat("\xEF\xBB\xBF", kQuestion, "\r\n\n  \n", kText, "\n", kQuestion));
  ASSERT_EQ(set.size(), 3u);
  EXPECT_EQ(spell(set.example(0)), "<bos>[story]Q:why?A: so\n");
  EXPECT_EQ(spell(set.example(1)), "<bos>abc");
  EXPECT_EQ(spell(set.example(2)), "<bos>[story]Q:why?A: so\n");
  EXPECT_EQ(set.example(0).name, cat((scratch_.path() / "data.jsonl").string(), ":1"));
  EXPECT_EQ(set.example(1).name, cat((scratch_.path() / "data.jsonl").string(), ":4"));
  for (std::size_t i = 0; i < set.size(); ++i) {
    const EncodedExample example = set.example(i);
    EXPECT_EQ(set.tokens(i), static_cast<std::int64_t>(example.ids.size()));
    EXPECT_EQ(set.row_of(i), i);
  }
  EXPECT_EQ(set.targets(0), 4);
  EXPECT_EQ(set.targets(1), 3);
  EXPECT_EQ(set.report().rows, 3);
  EXPECT_EQ(set.report().examples, 3);
  EXPECT_EQ(set.report().tokens, 20 + 4 + 20);
  EXPECT_EQ(set.report().targets, 11);
  EXPECT_EQ(set.report().bad_rows, 0);
}

TEST_F(TrainingSetTest, RowsThatBecomeSeveralExamples) {
  DataOptions options;
  options.encode.window = 20;
  std::string story(100, 'x');
  const TrainingSet set = open_text(cat(kQuestion, "\n{\"text\":\"", story, "\"}\n", R"({"document":")", story,
                                        R"(","question":"why?","answer":"so"})"),
                                    options);
  EXPECT_EQ(set.report().rows, 3);
  EXPECT_EQ(set.report().split_rows, 1);
  EXPECT_EQ(set.report().cut_examples, 1);
  EXPECT_EQ(set.report().cut_tokens, 115 - 20);
  ASSERT_EQ(set.size(), 1u + 6 + 1);  // 19 letters a window
  std::string all;
  for (std::size_t i = 1; i < 7; ++i) {
    EXPECT_EQ(set.row_of(i), 1u);
    all += spell(set.example(i)).substr(5);
  }
  EXPECT_EQ(all, story);
}

TEST_F(TrainingSetTest, MalformedLinesAreNamedAndNothingIsTrained) {
  std::string lines = cat(kQuestion, "\n{\n");
  for (int i = 0; i < 6; ++i) lines += R"({"text":""})" + std::string("\n");
  const fs::path path = write("data.jsonl", lines);
  try {
    open({path});
    ADD_FAILURE() << "no error";
  } catch (const UserError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos);
    EXPECT_THAT(message, testing::StartsWith("training data: 7 lines cannot be used, mend them or give --skip-bad: "));
    EXPECT_THAT(message, testing::HasSubstr(cat(path.string(), ":2: not valid JSON")));
    EXPECT_THAT(message, testing::HasSubstr(cat(path.string(), ":6: text: is empty; and 2 more")));
  }
  DataOptions options;
  options.skip_bad = true;
  const TrainingSet set = open({path}, options);
  EXPECT_EQ(set.size(), 1u);
  EXPECT_EQ(set.report().rows, 1);
  EXPECT_EQ(set.report().bad_rows, 7);
  EXPECT_EQ(set.report().bad.size(), 5u);
}

TEST_F(TrainingSetTest, LinesThatCannotBecomeExamplesAreBadToo) {
  DataOptions options;
  options.encode.window = 10;
  expect_user_error([&] { open_text(kQuestion, options); }, "data.jsonl:1: a question with its answer takes 12 tokens");
  options.skip_bad = true;
  expect_user_error([&] { open_text(kQuestion, options); }, "there is no example in");
}

TEST_F(TrainingSetTest, AHugeLineIsBad) {
  DataOptions options;
  options.longest_line = 100;
  const std::string fits = cat(R"({"text":")", std::string(89, 'x'), "\"}");
  ASSERT_EQ(fits.size(), 100u);
  const std::string longer = cat(R"({"text":")", std::string(90, 'x'), "\"}");
  EXPECT_EQ(open_text(fits, options).size(), 1u);
  expect_user_error([&] { open_text(cat(kText, "\n", longer, "\n", kText), options); },
                    "data.jsonl:2: has 101 bytes, expected at most 100");
  options.skip_bad = true;
  EXPECT_EQ(open_text(cat(kText, "\n", longer, "\n", kText), options).size(), 2u);
}

TEST_F(TrainingSetTest, NoData) {
  expect_user_error([&] { open({}); }, "there is no example in no file");
  expect_user_error([&] { open_text(""); }, "data.jsonl");
  expect_user_error([&] { open_text("\n \n"); }, "there is no example in");
  expect_user_error([&] { open({scratch_.path() / "none.jsonl"}); }, "cannot open");
  expect_user_error([&] { open({"-"}); }, "cannot come from stdin");
  expect_user_error([&] { open({"/dev/null"}); }, "it is not a regular file");
  expect_user_error([&] { open_text("[\n{\"text\":\"a\"}\n]"); }, "is one JSON array, expected an object a line");
  DataOptions options;
  options.encode.window = 1;
  expect_user_error([&] { open_text(kText, options); }, "--context: got 1");
}

TEST_F(TrainingSetTest, FilesAreToldApart) {
  const fs::path lines = write("lines.txt", cat("\n ", kText));
  const fs::path story = write("story.txt", "Once.\r\n");
  const TrainingSet set = open({lines, story});
  ASSERT_EQ(set.size(), 2u);
  EXPECT_EQ(spell(set.example(0)), "<bos>abc");
  EXPECT_EQ(spell(set.example(1)), "<bos>Once.\n");
  EXPECT_EQ(set.example(1).name, story.string());
}

TEST_F(TrainingSetTest, AFolderOfDocuments) {
  write("books/2.txt", "two");
  write("books/10.md", "ten");
  write("books/part/1.html", "<p>one</p>");
  write("books/rows.jsonl", cat(kText, "\n"));
  write("books/settings.json", "{\"a\": 1}");
  write("books/picture.png", std::string_view("\x89PNG\r\n\x1a\n\0\0\0\0", 12));
  const TrainingSet set = open({scratch_.path() / "books"});
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < set.size(); ++i) texts.push_back(spell(set.example(i)));
  EXPECT_EQ(texts, (std::vector<std::string>{"<bos>two", "<bos>ten", "<bos>one\n", "<bos>abc", "<bos>{\"a\": 1}"}));
  ASSERT_EQ(set.report().warnings.size(), 1u);
  EXPECT_THAT(set.report().warnings[0], testing::HasSubstr("picture.png"));
  EXPECT_EQ(set.report().bad_rows, 0);
  expect_user_error([&] { open({scratch_.path() / "books/picture.png"}); }, "1 line cannot be used");
}

TEST_F(TrainingSetTest, DataThatChangesIsNoticed) {
  const TrainingSet set = open_text(cat(kText, "\n", kText, "\n"));
  write("data.jsonl", cat(kText, "\n", R"({"text":"abd"})", "\n"));
  EXPECT_EQ(spell(set.example(0)), "<bos>abc");
  expect_user_error([&] { set.example(1); }, "data.jsonl:2: has changed since training began");
  write("data.jsonl", cat(kText, "\n"));
  expect_user_error([&] { set.example(1); }, "data.jsonl:2: is gone, the file has changed");
  fs::remove(scratch_.path() / "data.jsonl");
  expect_user_error([&] { set.example(0); }, "cannot open");
}

TEST_F(TrainingSetTest, AFingerprintOfTheRows) {
  const std::uint64_t hash = open_text(cat(kText, "\n", kQuestion)).fingerprint();
  EXPECT_EQ(open_text(cat(kText, "\n\n", kQuestion, "\n")).fingerprint(), hash);
  EXPECT_NE(open_text(cat(kQuestion, "\n", kText)).fingerprint(), hash);
  EXPECT_NE(open_text(cat(kText, "\n")).fingerprint(), hash);
}

TEST_F(TrainingSetTest, LinesAcrossBlocksAreFoundAgain) {
  std::string lines;
  Dice dice(3);
  std::vector<std::string> texts;
  while (lines.size() < (std::size_t{5} << 19)) {  // 2.5 blocks
    texts.push_back(std::string(1 + dice.below(200000), static_cast<char>('a' + dice.below(26))));
    lines += cat(R"({"text":")", texts.back(), "\"}\n");
  }
  const fs::path path = write("lines.jsonl", lines);
  std::size_t count = 0;
  each_line(path, 1u << 20, [&](const LinePlace& place, std::string_view line) {
    EXPECT_EQ(line, cat(R"({"text":")", texts.at(count), "\"}"));
    EXPECT_EQ(place.number, static_cast<std::int64_t>(++count));
    EXPECT_EQ(read_line(path, place), line);
  });
  EXPECT_EQ(count, texts.size());
}

}  // namespace
}  // namespace tome
