// Lines of training data: every shape, and every reason to refuse one.
#include "train/data_row.h"

#include <gtest/gtest.h>

#include "data_files.h"

namespace tome {
namespace {

void expect_refused(std::string_view line, std::string_view reason) {
  expect_user_error([&] { row_of(line); }, reason);
  try {
    row_of(line);
  } catch (const UserError& error) {
    EXPECT_EQ(std::string_view(error.what()).substr(0, 13), "data.jsonl:1:") << error.what();
  }
}

std::string spell(const DataRow& row) {
  std::string text = row.document + "|";
  for (const QuestionAnswer& pair : row.questions) text += cat(pair.question, "?", pair.answer, ";");
  return text;
}

TEST(DataRow, OneQuestion) {
  const DataRow row = row_of(R"({"document": "D", "question": "Q", "answer": " A\n", "id": 7})");
  EXPECT_EQ(row.kind, DataRow::Kind::kQuestions);
  EXPECT_EQ(spell(row), "D|Q?A;");
}

TEST(DataRow, SeveralQuestions) {
  const DataRow row =
      row_of(R"({"document":"D","questions":[{"question":"Q","answer":"A"},{"answer":"B","question":"R"}]})");
  EXPECT_EQ(row.kind, DataRow::Kind::kQuestions);
  EXPECT_EQ(spell(row), "D|Q?A;R?B;");
}

TEST(DataRow, Messages) {
  const DataRow row = row_of(R"({"messages":[{"role":"system","content":"S"},{"role":"user","content":"Q"},)"
                             R"({"role":"assistant","content":" A "},{"role":"user","content":"unanswered"}]})");
  EXPECT_EQ(row.kind, DataRow::Kind::kChat);
  EXPECT_EQ(spell(row), "S|Q? A ;");
}

TEST(DataRow, ShareGpt) {
  const DataRow row = row_of(R"({"conversations":[{"from":"human","value":"Q"},{"from":"gpt","value":"A"},)"
                             R"({"from":"human","value":"R"},{"from":"gpt","value":"B"}]})");
  EXPECT_EQ(row.kind, DataRow::Kind::kChat);
  EXPECT_EQ(spell(row), "|Q?A;R?B;");
}

TEST(DataRow, Alpaca) {
  const DataRow with = row_of(R"({"instruction":"Q","input":"D","output":"A","text":"all of it"})");
  EXPECT_EQ(with.kind, DataRow::Kind::kQuestions);
  EXPECT_EQ(spell(with), "D|Q?A;");
  for (const char* line : {R"({"instruction":"Q","input":" ","output":"A"})", R"({"instruction":"Q","output":"A"})"}) {
    const DataRow without = row_of(line);
    EXPECT_EQ(without.kind, DataRow::Kind::kChat);
    EXPECT_EQ(spell(without), "|Q?A;");
  }
}

TEST(DataRow, Text) {
  const DataRow row = row_of("{\"text\":\"\xEF\xBB\xBFone\\r\\ntwo\\n\"}");
  EXPECT_EQ(row.kind, DataRow::Kind::kText);
  EXPECT_EQ(row.document, "one\ntwo\n");
  EXPECT_TRUE(row.questions.empty());
}

TEST(DataRow, WhatIsNoJson) {
  expect_refused("{\"text\":\"\xFF\"}", "not UTF-8, the mistake is at byte 10");
  expect_refused(std::string_view("{\"text\":\"\0\"}", 12), "NUL byte at byte 10");
  expect_refused(R"({"text":"a\u0000b"})", "text: has a NUL character");
  expect_refused(R"({"text":"a")", "not valid JSON");
  expect_refused(R"({"text":"a"} x)", "not valid JSON");
  expect_refused(R"({"text":"\ud800"})", "not valid JSON");
  expect_refused(R"({"text":"a","text":"b"})", "a key appears twice");
  expect_refused(R"({"text":1e999})", "out of range");
  std::string deep = R"({"text":"a","x":)";
  for (int i = 0; i < 100000; ++i) deep += '[';
  expect_refused(deep, "nesting deeper than 16");
}

TEST(DataRow, WrongShapesAndTypes) {
  expect_refused("[1]", "got array, expected an object");
  expect_refused("\"text\"", "got string, expected an object");
  expect_refused("{}", "of no known shape, got no keys");
  expect_refused(R"({"prompt":"Q","completion":"A"})",
                 "of no known shape, got the keys 'completion', 'prompt'; expected {");
  expect_refused(R"({"question":"Q","answer":"A"})", "of no known shape");
  expect_refused(R"({"a\u001bb":1})", "'a\\x1bb'");
  expect_refused(R"({"messages":[],"conversations":[]})", "of two shapes at once");
  expect_refused(R"({"document":"D","question":"Q","answer":"A","questions":[]})", "of two shapes at once");
  expect_refused(R"({"text":7})", "text: got number, expected a string");
  expect_refused(R"({"document":"D","question":"Q","answer":["A"]})", "answer: got array, expected a string");
  expect_refused(R"({"document":null,"question":"Q","answer":"A"})", "document: got null");
  expect_refused(R"({"document":"D","questions":{}})", "questions: got object, expected an array");
  expect_refused(R"({"document":"D","questions":[1]})", "questions[0]: got number, expected an object");
  expect_refused(R"({"messages":"hello"})", "messages: got string, expected an array");
  expect_refused(R"({"messages":[{"role":"user","content":[{"type":"text"}]}]})",
                 "messages[0].content: got array, expected a string");
  expect_refused(R"({"instruction":"Q","input":null,"output":"A"})", "input: got null, expected a string");
}

TEST(DataRow, ADocumentThatWouldBeLeftOut) {
  const char* const chat = R"("messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"}])";
  expect_refused(cat(R"({"document":"D",)", chat, "}"), "has a document that its shape leaves out");
  expect_refused(R"({"document":"D","instruction":"Q","output":"A"})", "has a document that its shape leaves out");
  EXPECT_EQ(parse_row(cat(R"({"text":"rendered",)", chat, "}"), "x").questions.size(), 1u);
}

TEST(DataRow, WhatIsMissingOrEmpty) {
  expect_refused(R"({"text":" \n\t"})", "text: is empty");
  expect_refused(R"({"document":"","question":"Q","answer":"A"})", "document: is empty");
  expect_refused(R"({"document":"D","question":" ","answer":"A"})", "question: is empty");
  expect_refused(R"({"document":"D","question":"Q","answer":""})", "answer: is empty");
  expect_refused(R"({"document":"D","question":"Q"})", "answer: is missing");
  expect_refused(R"({"document":"D","questions":[]})", "questions: is empty");
  expect_refused(R"({"document":"D","questions":[{"question":"Q","answer":"A"},{"question":"Q"}]})",
                 "questions[1].answer: is missing");
  expect_refused(R"({"instruction":"Q","output":"  "})", "output: is empty");
  expect_refused(R"({"messages":[]})", "messages: is empty");
  expect_refused(R"({"messages":[{"content":"Q"}]})", "messages[0].role: is missing");
  expect_refused(R"({"messages":[{"role":"user","content":"Q"}]})", "no assistant turn, so there is no target");
  expect_refused(R"({"messages":[{"role":"system","content":"Q"}]})", "no assistant turn");
  expect_refused(R"({"conversations":[{"from":"human","value":"Q"},{"from":"gpt","value":""}]})",
                 "conversations[1].value: is empty");
}

TEST(DataRow, TurnsOutOfOrder) {
  const auto turns = [](std::vector<const char*> roles) {
    std::string line;
    for (const char* role : roles) line += cat(line.empty() ? "" : ",", R"({"content":"x","role":")", role, "\"}");
    return cat(R"({"messages":[)", line, "]}");
  };
  expect_refused(turns({"assistant"}), "messages[0]: is out of turn");
  expect_refused(turns({"user", "user"}), "messages[1]: is out of turn");
  expect_refused(turns({"user", "assistant", "assistant"}), "messages[2]: is out of turn");
  expect_refused(turns({"user", "system"}), "messages[1]: is out of turn");
  expect_refused(turns({"system", "system", "user", "assistant"}), "messages[1]: is out of turn");
  expect_refused(turns({"user", "tool"}), "messages[1].role: got 'tool', expected system, user (human) or assistant");
}

}  // namespace
}  // namespace tome
