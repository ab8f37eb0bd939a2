// Every fault in a set made to have it, and none in a set made to be clean.
#include "data/check.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/answer_checks.h"
#include "data/grams.h"
#include "data/licences.h"
#include "eval/choices.h"
#include "memory_file.h"

namespace tome::data {
namespace {

using nlohmann::json;

std::string words(int count, std::string_view use) {
  eval::Choices choices(5, use);
  std::string text;
  for (int i = 0; i < count; ++i) text += cat(i > 0 ? " " : "", "w", choices.below(5000));
  return text;
}

json row(const std::string& document, const std::string& question, const std::string& answer) {
  return {{"document", document}, {"question", question}, {"answer", answer}, {"licence", "MIT"}};
}

std::string lines(const std::vector<json>& rows) {
  std::string text;
  for (const json& one : rows) text += one.dump() + '\n';
  return text;
}

CheckResult check(const std::string& text, CheckOptions options = {}, const std::string& against = {}) {
  const MemoryFile file(text), evaluation(against);
  if (!against.empty()) options.against = {evaluation.path()};
  Threads threads(2);
  return check_rows({file.path()}, threads, options);
}

std::int64_t count(const CheckResult& result, Fault fault) { return result.counts[static_cast<std::size_t>(fault)]; }

/// Exactly this fault, this often, the first at this line.
void expect_only(const CheckResult& result, Fault fault, std::int64_t times, int line) {
  for (std::size_t i = 0; i < kFaults; ++i) {
    EXPECT_EQ(result.counts[i], i == static_cast<std::size_t>(fault) ? times : 0) << to_string(static_cast<Fault>(i));
  }
  ASSERT_FALSE(result.findings.empty());
  EXPECT_TRUE(result.findings[0].place.ends_with(cat(':', line))) << result.findings[0].place;
}

std::vector<json> clean_rows(int count, const std::string& use) {
  std::vector<json> rows;
  for (int i = 0; i < count; ++i) {
    const std::string name = cat(use, i);
    rows.push_back(row(words(200, name), words(8, name + "q") + "?", words(3, name + "a")));
  }
  return rows;
}

TEST(Check, NothingInACleanSet) {
  const CheckResult result = check(lines(clean_rows(50, "train")), {}, lines(clean_rows(50, "eval")));
  EXPECT_TRUE(result.clean()) << (result.findings.empty() ? "" : result.findings[0].detail);
  EXPECT_EQ(result.rows, 50);
}

TEST(Check, BrokenAndEmpty) {
  const std::string good = lines(clean_rows(1, "a"));
  expect_only(check(good + "{\"text\": 1}\n"), Fault::kBroken, 1, 2);
  expect_only(check(good + R"({"document": "d", "question": "q", "answer": " "})"), Fault::kEmptyAnswer, 1, 2);
  expect_only(check(good + R"({"instruction": "d", "output": ""})"), Fault::kEmptyAnswer, 1, 2);
  CheckOptions ignore;
  ignore.ignored = {Fault::kBroken};
  EXPECT_TRUE(check(good + "x\n", ignore).clean());
}

TEST(Check, AnswersThatAreCut) {
  EXPECT_EQ(cut_reason("the lantern was lit", "it was..."), "ends in an ellipsis");
  EXPECT_EQ(cut_reason("he said it was...", "it was..."), "");
  EXPECT_EQ(cut_reason("", "one, two,"), "ends in \",\"");
  EXPECT_EQ(cut_reason("", "```c\nint x;\n```"), "");
  EXPECT_EQ(cut_reason("", "```c\nint x"), "ends within a block of code");
  EXPECT_EQ(cut_reason("under the lantern she sat", "under the lant"), "ends within a word of its document");
  EXPECT_EQ(cut_reason("under the lantern, under the lant he sat", "under the lant"), "");
  EXPECT_EQ(cut_reason("Nothing", "No"), "");
  EXPECT_TRUE(ends_sentence("He left.\" *(so it was)*") == false);
  EXPECT_TRUE(ends_sentence("\"He left.\""));
  EXPECT_TRUE(ends_sentence("**Done!**"));
  EXPECT_FALSE(ends_sentence("and then he"));
  EXPECT_FALSE(ends_sentence(""));
}

TEST(Check, LongAnswersThatEndNoSentenceWhereOthersDo) {
  std::vector<json> rows;
  for (int i = 0; i < 20; ++i)
    rows.push_back(row(words(60, cat(i)), words(9, cat(i, 'q')), words(40, cat(i, 'a')) + "."));
  rows[12]["answer"] = words(40, "open");
  expect_only(check(lines(rows)), Fault::kCutAnswer, 1, 13);
  for (int i = 0; i < 20; i += 2) rows[static_cast<std::size_t>(i)]["answer"] = words(40, cat(i, 'b'));
  EXPECT_TRUE(check(lines(rows)).clean());  // here it is no rule
}

TEST(Check, AnswersThatAreNotInTheText) {
  json one = row("the quick  brown\nfox", "what fox?", "quick brown fox");
  json other = row("the quick brown fox jumps", "which fox?", "red fox");
  EXPECT_TRUE(check(lines({one, other})).clean());
  CheckOptions extractive;
  extractive.extractive = true;
  expect_only(check(lines({one, other}), extractive), Fault::kAbsentAnswer, 1, 2);
  other["extractive"] = true;
  expect_only(check(lines({one, other})), Fault::kAbsentAnswer, 1, 2);
}

TEST(Check, Duplicates) {
  std::vector<json> rows = clean_rows(5, "d");
  rows.push_back(rows[1]);
  rows.back()["source"] = "another";
  expect_only(check(lines(rows)), Fault::kDuplicate, 1, 6);
}

TEST(Check, NearDuplicatesAreThoseOfEveryPair) {
  // Texts of 300 words; each fourth is an earlier one with some words changed.
  std::vector<json> rows;
  std::vector<std::string> texts;
  eval::Choices choices(3, "changes");
  for (int i = 0; i < 60; ++i) {
    std::string text = words(300, cat("near", i));
    if (i % 4 == 3) {
      text = texts[static_cast<std::size_t>(choices.below(texts.size()))];
      const int changes = 1 + i / 6;
      for (int c = 0; c < changes; ++c) text[static_cast<std::size_t>(choices.below(text.size()))] = 'z';
    }
    texts.push_back(text);
    rows.push_back({{"text", text}, {"licence", "MIT"}});
  }
  std::int64_t expected = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (texts[i] == texts[j] || jaccard(gram_set(texts[i], 5), gram_set(texts[j], 5)) < 0.8) continue;
      ++expected;
      break;
    }
  }
  ASSERT_GT(expected, 4);
  const CheckResult result = check(lines(rows));
  EXPECT_EQ(count(result, Fault::kNearDuplicate), expected);
  EXPECT_EQ(count(result, Fault::kDuplicate), 0);
}

TEST(Check, QuestionsOfOneDocumentThatAreAlike) {
  const std::string document = words(100, "doc"), question = words(30, "q");
  const std::vector<json> rows = {row(document, question, "yes"), row(document, words(30, "r"), "no"),
                                  row(document, question + " then", "yes"), row(words(100, "other"), question, "yes")};
  expect_only(check(lines(rows)), Fault::kNearDuplicate, 1, 3);
}

TEST(Check, LeakedQuestions) {
  std::vector<json> rows = clean_rows(20, "train");
  const std::vector<json> evaluation = clean_rows(20, "eval");
  rows[7]["questions"] = {{{"question", "In short: " + std::string(evaluation[3]["question"])},
                           {"answer", std::string(evaluation[3]["answer"])}}};
  rows[7].erase("question");
  rows[7].erase("answer");
  EXPECT_TRUE(check(lines(rows), {}, lines(evaluation)).clean());  // eleven words in another text say nothing
  rows[7]["questions"][0]["question"] = evaluation[3]["question"];
  expect_only(check(lines(rows), {}, lines(evaluation)), Fault::kLeakedQuestion, 1, 8);
  std::vector<json> longer = evaluation;
  longer[5]["question"] = words(20, "long");
  rows = clean_rows(20, "train");
  rows[2] = {{"text", "so " + words(20, "long") + " it goes"}, {"licence", "MIT"}};
  expect_only(check(lines(rows), {}, lines(longer)), Fault::kLeakedQuestion, 1, 3);
}

TEST(Check, LeakedDocuments) {
  std::vector<json> rows = clean_rows(20, "train"), evaluation = clean_rows(20, "eval");
  const std::string other = evaluation[4]["document"];
  rows[9]["document"] = std::string(rows[9]["document"]) + other.substr(0, other.size() / 2);
  expect_only(check(lines(rows), {}, lines(evaluation)), Fault::kLeakedDocument, 1, 10);
  CheckOptions half;
  half.overlap = 0.6;
  EXPECT_TRUE(check(lines(rows), half, lines(evaluation)).clean());
}

TEST(Check, ThirteenWordsAreALeak) {
  const auto first = [](const std::string& text, int count) {
    std::size_t end = 0;
    for (int i = 0; i < count; ++i) end = text.find(' ', end + 1);
    return text.substr(0, end);
  };
  std::vector<json> rows = clean_rows(8, "train"), evaluation = clean_rows(8, "eval");
  evaluation[2]["question"] = words(30, "asked");
  for (const int shared : {12, 13}) {
    rows[5]["question"] = "start " + first(evaluation[2]["question"], shared) + " end";
    const CheckResult asked = check(lines(rows), {}, lines(evaluation));
    EXPECT_EQ(count(asked, Fault::kLeakedQuestion), shared == 13 ? 1 : 0);
    std::vector<json> texts = clean_rows(8, "train");
    texts[3]["document"] = "start " + first(evaluation[4]["document"], shared) + " end";
    const CheckResult documents = check(lines(texts), {}, lines(evaluation));
    EXPECT_EQ(count(documents, Fault::kLeakedDocument), shared == 13 ? 1 : 0);
  }
}

TEST(Check, LeakedIds) {
  std::vector<json> rows = clean_rows(4, "train"), evaluation = clean_rows(4, "eval");
  rows[2]["book"] = "moonstone";
  evaluation[1]["document_id"] = "moonstone";
  expect_only(check(lines(rows), {}, lines(evaluation)), Fault::kLeakedId, 1, 3);
}

TEST(Check, ShapesOfEvaluationSets) {
  std::vector<json> rows = clean_rows(6, "train");
  const std::string asked = "Who shot Arnold Armstrong on the stairs?", text = words(60, "context");
  rows[1]["question"] = asked;
  rows[1]["answer"] = "Mrs. Watson";
  const json accepted = {{"question", asked}, {"answers", {"Anne Watson", "Mrs. Watson"}}, {"where", 3}};
  expect_only(check(lines(rows), {}, accepted.dump()), Fault::kLeakedQuestion, 1, 2);
  for (const char* key : {"book", "text", "document_id"}) {
    json named = {{"question", words(9, "other")}, {"answers", {"yes"}}, {key, "staircase.txt"}};
    rows = clean_rows(6, "train");
    rows[3]["document_id"] = "staircase.txt";
    expect_only(check(lines(rows), {}, named.dump()), Fault::kLeakedId, 1, 4);
  }
  const json bench = {{"context", text}, {"input", asked}, {"answers", {"Watson"}}, {"_id", "7"}};
  rows = clean_rows(6, "train");
  rows[4]["document"] = text;
  expect_only(check(lines(rows), {}, bench.dump()), Fault::kLeakedDocument, 1, 5);
  rows = clean_rows(6, "train");
  rows[5]["question"] = asked;
  rows[5]["answer"] = "Watson";
  expect_only(check(lines(rows), {}, bench.dump()), Fault::kLeakedQuestion, 1, 6);
  for (const json& bad :
       {json{{"question", asked}, {"answers", "Watson"}}, json{{"question", asked}, {"answers", {1}}},
        json{{"question", 1}, {"answers", {"a"}}}, json{{"question", asked}, {"answers", json::array()}}}) {
    EXPECT_EQ(check(lines(rows), {}, accepted.dump() + "\n" + bad.dump()).notes.size(), 1u) << bad;
    EXPECT_THROW(check(lines(rows), {}, bad.dump()), UserError) << bad;
  }
}

TEST(Check, Licences) {
  std::vector<json> rows = clean_rows(3, "l");
  rows[1]["licence"] = "unknown";
  expect_only(check(lines(rows)), Fault::kUnknownLicence, 1, 2);
  rows[1].erase("licence");
  expect_only(check(lines(rows)), Fault::kNoLicence, 1, 2);
  for (const char* name :
       {"MIT", "cc-by-4.0", "CC BY-NC-SA 4.0", "Apache License 2.0", "Public Domain", "CC0-1.0", "GPL-3.0-only"}) {
    EXPECT_TRUE(is_known_licence(name)) << name;
  }
  for (const char* name : {"", "unknown", "other", "mitigated", "proprietary", "ccb"})
    EXPECT_FALSE(is_known_licence(name)) << name;
}

}  // namespace
}  // namespace tome::data
