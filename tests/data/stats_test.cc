// Figures of small sets that one can count by hand; tests/cli/data_test.py has them of larger ones.
#include "data/stats.h"

#include <gtest/gtest.h>

#include "data/stats_html.h"
#include "data/stats_text.h"
#include "memory_file.h"
#include "text/letter_tokenizer.h"

namespace tome::data {
namespace {

Stats stats_of(std::string_view lines, const Tokenizer* tokenizer = nullptr, int team = 2) {
  const MemoryFile file(lines);
  Threads threads(team);
  return count_rows({file.path()}, threads, tokenizer);
}

constexpr const char* kLines =
    R"({"document": "one two three four", "question": "Q q?", "answer": "three", "source": "S", "licence": "MIT"}
{"document": "one two three four", "questions": [{"question": "a", "answer": "one"}, {"question": "b", "answer": "five"}]}
{"text": "plain text here", "source": "S"}
{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello <b>"}], "license": "<i>x"}
{"answer": "no shape"}
)";

TEST(Stats, OfEveryShape) {
  const LetterTokenizer tokenizer;
  const Stats stats = stats_of(kLines, &tokenizer);
  EXPECT_EQ(stats.rows, 4);
  EXPECT_EQ(stats.broken, 1);
  ASSERT_EQ(stats.first_broken.size(), 1u);
  EXPECT_NE(stats.first_broken[0].find(":5: is of no known shape"), std::string::npos) << stats.first_broken[0];
  EXPECT_EQ(stats.shapes, (std::array<std::int64_t, 6>{1, 1, 1, 0, 0, 1}));
  EXPECT_EQ(stats.documents.words.count(), 3);
  EXPECT_EQ(stats.documents.words.sum(), 11u);
  EXPECT_EQ(stats.questions.words.most(), 2u);
  EXPECT_EQ(stats.answers.bytes.sum(), 5u + 3 + 4 + 9);
  EXPECT_EQ(stats.answers.tokens.sum(), stats.answers.bytes.sum());
  EXPECT_EQ(stats.questions_of_document.count(), 1);
  EXPECT_EQ(stats.questions_of_document.most(), 3u);
  EXPECT_EQ(stats.depth[0], 1);
  EXPECT_EQ(stats.depth[4], 1);  // "three" at 8 of 18
  EXPECT_EQ(stats.absent, 1);
  EXPECT_EQ(stats.target_bytes, 5 + 3 + 4 + 9 + 15);
  EXPECT_EQ(stats.target_tokens, stats.target_bytes);
  EXPECT_EQ(stats.sources.counts.at("S"), 2);
  EXPECT_EQ(stats.sources.none, 2);
  EXPECT_EQ(stats.licences.counts.at("MIT"), 1);
  EXPECT_EQ(stats.licences.counts.at("<i>x"), 1);
}

TEST(Stats, CharactersAndWords) {
  const Stats stats = stats_of("{\"text\": \" h\\u00e9llo \\n\\t w\\u00f6rld\\ud83d\\ude00 \"}");
  EXPECT_EQ(stats.documents.characters.sum(), 17u);
  EXPECT_EQ(stats.documents.words.sum(), 2u);
  EXPECT_EQ(stats.documents.bytes.sum(), 22u);
}

TEST(Stats, ReportsHoldNoStrangersMarkup) {
  const Stats stats = stats_of(kLines);
  const std::string html = stats_html(stats, "<qa>.jsonl");
  EXPECT_EQ(html.find("<qa>"), std::string::npos);
  EXPECT_EQ(html.find("<i>x"), std::string::npos);
  EXPECT_NE(html.find("&lt;i&gt;x"), std::string::npos);
  EXPECT_NE(html.find("Questions a document"), std::string::npos);
  const std::string text = stats_text(stats_of("{\"text\": \"a\", \"source\": \"x\\u001b[2J\"}"));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(Stats, TheSameForAnyNumberOfThreads) {
  std::string lines;
  for (int i = 0; i < 3000; ++i)
    lines += cat(R"({"document": "d )", i, R"( e", "question": "q", "answer": ")", i, "\"}\n");
  EXPECT_EQ(stats_json(stats_of(lines, nullptr, 1)), stats_json(stats_of(lines, nullptr, 3)));
}

}  // namespace
}  // namespace tome::data
