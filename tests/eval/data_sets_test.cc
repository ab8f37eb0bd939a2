// The tasks over published data sets, on small texts of our own in the published formats.
#include <gtest/gtest.h>

#include <set>

#include "eval/scorers/matches.h"
#include "eval/tasks/csv.h"
#include "eval/tasks/json_rows.h"
#include "eval/tasks/ruler_qa.h"
#include "eval/tasks/tasks.h"
#include "made_data.h"

namespace tome::eval {
namespace {

std::string longbench_row(const std::string& context, const std::string& input, const std::string& answers,
                          const std::string& classes = "null", int length = 100) {
  return cat(R"({"input": ")", input, R"(", "context": ")", context, R"(", "answers": )", answers, R"(, "length": )",
             length, R"(, "all_classes": )", classes, R"(, "language": "en", "_id": "x"})", "\n");
}

TEST(LongBench, MakesAndScoresItsParts) {
  MadeData data;
  data.write("hotpotqa.jsonl", longbench_row("Text one.", "Who?", R"(["Ada", "Ada Lovelace"])") + "\n" +
                                   longbench_row("Text two.", "Where?", R"(["here"])") +
                                   longbench_row("Text one.", "When?", R"(["now"])"));
  data.write("data/trec.jsonl", longbench_row("Examples.", "Type:", R"(["Date"])", R"(["Date", "City"])"));
  data.write("data/passage_retrieval_en.jsonl", longbench_row("P", "A", R"(["Paragraph 3"])"));
  data.write("lcc.jsonl", longbench_row("int x;", "", R"(["return x;"])"));
  const Task task = longbench_task();
  const EvalSet set = task.make(data.request("longbench"));
  ASSERT_EQ(set.samples.size(), 6U);
  EXPECT_EQ(set.documents[set.samples[0].document].text, "Text one.");
  EXPECT_EQ(set.samples[1].document, set.samples[0].document);  // one text, held once, its questions together
  EXPECT_NE(set.samples[1].question.find("When?"), std::string::npos);
  EXPECT_EQ(set.samples[0].id, "longbench-hotpotqa-1");
  EXPECT_EQ(set.samples[0].task, "longbench/hotpotqa");
  EXPECT_EQ(set.samples[0].answer_tokens, 32);
  EXPECT_FALSE(set.samples[0].one_line);
  EXPECT_EQ(task.score(set.samples[0], "Lovelace"), 2.0 / 3);
  EXPECT_TRUE(set.samples[3].one_line);
  EXPECT_EQ(task.score(set.samples[3], "Date\nCity"), 1);
  EXPECT_EQ(task.score(set.samples[3], "Date or City"), 0.5);
  EXPECT_EQ(task.score(set.samples[4], "3 or 4"), 0.5);
  EXPECT_EQ(task.score(set.samples[5], "```\nreturn x;\n```"), 1);
  EXPECT_NE(std::find(set.notes.begin(), set.notes.end(), "longbench/qasper: no file"), set.notes.end());
}

TEST(LongBench, GroupsByLengthAndChoosesParts) {
  MadeData data;
  data.write("qasper_e.jsonl", longbench_row("a", "q", R"(["x"])", "null", 3999) +
                                   longbench_row("b", "q", R"(["x"])", "null", 4000) +
                                   longbench_row("c", "q", R"(["x"])", "null", 8000));
  data.write("qmsum.jsonl", longbench_row("a", "q", R"(["x y z"])"));
  TaskRequest request = data.request("longbench");
  request.settings["longbench.parts"] = "qasper_e,qmsum";
  const Task task = longbench_task();
  const EvalSet set = task.make(request);
  ASSERT_EQ(set.samples.size(), 4U);
  EXPECT_EQ(set.samples[0].task, "longbench/qasper_e/0-4k");
  EXPECT_EQ(set.samples[1].task, "longbench/qasper_e/4-8k");
  EXPECT_EQ(set.samples[2].task, "longbench/qasper_e/8k+");
  EXPECT_EQ(task.score(set.samples[2], "The X."), 1);
  EXPECT_NEAR(task.score(set.samples[3], "x y w"), 2.0 / 3, 1e-7);
  request.settings["longbench.parts"] = "nothing";
  expect_error([&] { task.make(request); }, {"longbench.parts", "\"nothing\"", "hotpotqa"});
  request.settings["longbench.parts"] = "lcc";
  expect_error([&] { task.make(request); }, {"has no lcc.jsonl"});
}

TEST(LongBench, ALargerNumberOfSamplesKeepsTheSmallerOnes) {
  MadeData data;
  std::string rows;
  for (int i = 0; i < 200; ++i) rows += longbench_row(cat("text ", i), "q", R"(["x"])");
  data.write("musique.jsonl", rows);
  const auto ids = [&](std::int64_t samples, std::uint64_t seed) {
    TaskRequest request = data.request("longbench");
    request.samples = samples;
    request.seed = seed;
    std::set<std::string> result;
    for (const EvalSample& sample : longbench_task().make(request).samples) result.insert(sample.id);
    return result;
  };
  const std::set<std::string> few = ids(5, 1), many = ids(20, 1);
  EXPECT_EQ(few.size(), 5U);
  EXPECT_TRUE(std::includes(many.begin(), many.end(), few.begin(), few.end()));
  EXPECT_NE(few, ids(5, 2));
  EXPECT_EQ(ids(0, 1).size(), 50U);
  EXPECT_EQ(ids(1000, 1).size(), 200U);
}

TEST(LongBench, BadFilesAreNamedWithTheirLine) {
  const auto refused = [](const std::string& text, const std::vector<std::string>& words) {
    MadeData data;
    data.write("passage_retrieval_en.jsonl", text);
    expect_error([&] { longbench_task().make(data.request("longbench")); }, words);
  };
  const std::string good = longbench_row("P", "A", R"(["Paragraph 3"])");
  refused(good + "\n{\"input\": \n", {"passage_retrieval_en.jsonl:3", "JSON"});
  refused(good + "[1]\n", {":2: expected a JSON object"});
  refused(good + "{\"input\": \"x\"}\n", {":2: \"answers\": is not there"});
  refused(longbench_row("P", "A", "[]"), {":1: \"answers\": expected a list"});
  refused(longbench_row("P", "A", "[3]"), {"\"answers\": expected a list"});
  refused(longbench_row("P", "A", R"(["three"])"), {"\"answers\": expected \"Paragraph 1\""});
  refused("", {"is empty"});
  refused("[", {"does not end"});
  refused("[{\"a\": \"]", {"does not end"});
  refused("[]", {"no rows"});
  TaskRequest nowhere;
  expect_error([&] { longbench_task().make(nowhere); }, {"--data longbench=PATH", "THUDM/LongBench"});
  MadeData empty;
  expect_error([&] { longbench_task().make(empty.request("longbench")); }, {"no file of LongBench"});
}

TEST(JsonRows, ReadsAListLikeLines) {
  MadeData data;
  data.write("list.json", " [\n{\"a\": \"x,]}\\\"\"},\n\n {\"a\": \"y\", \"b\": [1, {\"c\": 2}]} ]\n");
  const JsonRows rows(data.folder() / "list.json");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows.row(0).text("a"), "x,]}\"");
  EXPECT_EQ(rows.row(1).text("a"), "y");
  EXPECT_TRUE(rows.row(0).where.ends_with("list.json:2"));
  EXPECT_TRUE(rows.row(1).where.ends_with("list.json:4"));
}

TEST(Csv, ReadsQuotesAndLineEnds) {
  MadeData data;
  data.write("x.csv", "id,text,rest\r\n1,\"a, \"\"b\"\"\nc\",z\r\n\n2,plain,\n");
  std::vector<std::string> seen;
  Csv(data.folder() / "x.csv", {"text", "id"}).for_each([&](const Csv::Row& row) {
    seen.push_back(row.values[1] + "=" + row.values[0]);
    EXPECT_TRUE(row.where.ends_with(row.values[1] == "1" ? "x.csv:2" : "x.csv:5")) << row.where;
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"1=a, \"b\"\nc", "2=plain"}));
  const auto refused = [&](const std::string& text, const std::string& word) {
    data.write("bad.csv", text);
    expect_error([&] { Csv(data.folder() / "bad.csv", {"id"}).for_each([](const Csv::Row&) {}); }, {"bad.csv:", word});
  };
  refused("id,b\n1,2,3\n", ":2: has 3 fields");
  refused("id,b\n1,\"2\n", ":2: a quotation mark");
  refused("id,b\n1,\xff\n", ":2: is not UTF-8");
  refused("x,b\n", "has no column id");
  refused("", "has no column id");
}

void write_narrativeqa(const MadeData& data) {
  data.write("qaps.csv",
             "document_id,set,question,answer1,answer2,question_tokenized,answer1_tokenized,answer2_tokenized\n"
             "0a,test,Who is lost?,The old sailor,A sailor,q,a,a\n"
             "0b,train,Not asked?,x,y,q,a,a\n"
             "0c,test,Where?,\"Rome, Italy\",,q,a,a\n"
             "0a,test,Why?,A storm,The storm,q,a,a\n");
  data.write("third_party/wikipedia/summaries.csv",
             "document_id,set,summary,summary_tokenized\n0a,test,\"A sailor.\nA storm.\",t\n0c,test,In Rome.,t\n");
  data.write("tmp/0a.content", "<html><body><p>The whole story of the sailor.</p></body></html>");
}

TEST(NarrativeQa, AsksSummariesOrWholeTexts) {
  MadeData data;
  write_narrativeqa(data);
  const Task task = narrativeqa_task();
  EXPECT_TRUE(task.always_compare);
  TaskRequest request = data.request("narrativeqa");
  const EvalSet set = task.make(request);
  ASSERT_EQ(set.samples.size(), 3U);
  ASSERT_EQ(set.documents.size(), 2U);
  EXPECT_EQ(set.documents[0].text, "A sailor.\nA storm.");
  EXPECT_EQ(set.samples[1].document, 0U);
  EXPECT_EQ(set.samples[2].answers, std::vector<std::string>{"Rome, Italy"});
  EXPECT_EQ(task.score(set.samples[0], "Sailor."), 1);
  request.settings["narrativeqa.texts"] = "full";
  request.settings["narrativeqa.metric"] = "rouge-l";
  const EvalSet whole = task.make(request);
  ASSERT_EQ(whole.samples.size(), 2U);
  EXPECT_NE(whole.documents[0].text.find("The whole story"), std::string::npos);
  EXPECT_EQ(whole.documents[0].text.find('<'), std::string::npos);
  EXPECT_NEAR(task.score(whole.samples[0], "sailor"), (1 + 1.44) * 0.5 / (0.5 + 1.44), 1e-12);
  request.settings["narrativeqa.set"] = "tests";
  expect_error([&] { task.make(request); }, {"narrativeqa.set=tests", "valid"});
}

TEST(InfiniteBench, MakesAndScoresItsParts) {
  MadeData data;
  const auto row = [](const std::string& answer, const std::string& options = "[]") {
    return cat(R"({"id": 0, "context": "A long text.", "input": "Ask?", "answer": )", answer, R"(, "options": )",
               options, "}\n");
  };
  data.write("passkey.jsonl", row("\"123\"") + row("[\"456\"]"));
  data.write("kv_retrieval.jsonl", row("[\"ab-c\"]"));
  data.write("math_find.jsonl", row("[88]") + row("\"7\"") + row("2.5"));
  data.write("math_calc.jsonl", row("[1, 3, \"6\"]") + row("[[1, 2]]"));
  data.write("code_run.jsonl", row("[\"-8\"]"));
  data.write("code_debug.jsonl",
             row("[\"f\"]", R"(["e", "f", "g", "h"])") + row(R"(["f", "B"])", R"(["e","f","g","h"])"));
  data.write("longbook_qa_chn.jsonl", row("[\"胡一刀\"]"));
  const Task task = infinitebench_task();
  const EvalSet set = task.make(data.request("infinitebench"));
  std::map<std::string, const EvalSample*> by_id;
  for (const EvalSample& sample : set.samples) by_id[sample.id] = &sample;
  const auto score = [&](const std::string& id, std::string_view answer) {
    return task.score(*by_id.at("infinitebench-" + id), answer);
  };
  EXPECT_EQ(score("passkey-1", "is 123."), 1);
  EXPECT_EQ(score("passkey-2", "456"), 1);
  EXPECT_EQ(score("kv_retrieval-1", "\"ab-c\""), 1);
  EXPECT_EQ(score("math_find-1", "88"), 1);
  EXPECT_EQ(score("math_find-2", "7"), 1);
  EXPECT_EQ(score("math_find-3", "2.5"), 1);
  EXPECT_EQ(score("math_calc-1", "[1, 3, 7]"), 2.0 / 3);
  EXPECT_EQ(score("math_calc-2", "1 2"), 1);
  EXPECT_EQ(score("code_run-1", "it is -8"), 1);
  EXPECT_EQ(score("code_debug-1", "B. f"), 1);
  EXPECT_EQ(score("code_debug-2", "C. g"), 0);
  EXPECT_EQ(score("longbook_qa_chn-1", "胡一"), 0.8);
  EXPECT_NE(by_id.at("infinitebench-code_debug-1")->question.find("\nB. f"), std::string::npos);
  EXPECT_EQ(by_id.at("infinitebench-code_debug-1")->answer_tokens, 5);

  TaskRequest request = data.request("infinitebench");
  const auto refused = [&](const std::string& part, const std::string& text, const std::string& word) {
    data.write(part + ".jsonl", text);
    request.settings["infinitebench.parts"] = part;
    expect_error([&] { task.make(request); }, {part + ".jsonl:1: \"", word});
  };
  refused("math_find", row("[\"x\"]"), "answer\": expected a");
  refused("math_calc", row("[]"), "expected a list of whole numbers");
  refused("code_run", row("[1.5]"), "expected a whole number");
  refused("code_debug", row("\"z\"", R"(["e", "f", "g", "h"])"), "expected one of the options");
  refused("longbook_choice_eng", row("\"e\"", R"(["e"])"), "expected four options");
  refused("passkey", row("7"), "expected a text");
}

TEST(LongBenchV2, ReadsTheListAndScoresTheLetter) {
  MadeData data;
  const std::string row =
      R"({"_id": "x", "domain": "d", "sub_domain": "s", "difficulty": "hard", "length": "short", "question": " Why? ",)"
      R"( "choice_A": "a", "choice_B": "b", "choice_C": "c", "choice_D": "d", "answer": "C", "context": " T "})";
  data.write("data.json", "[" + row + ",\n" + row + "]");
  const Task task = longbench_v2_task();
  const EvalSet set = task.make(data.request("longbench-v2"));
  ASSERT_EQ(set.samples.size(), 2U);
  EXPECT_EQ(set.documents.size(), 1U);
  EXPECT_EQ(set.documents[0].text, "T");
  EXPECT_EQ(set.samples[0].task, "longbench-v2/short");
  EXPECT_NE(set.samples[0].question.find("(C) c\n"), std::string::npos);
  EXPECT_EQ(task.score(set.samples[0], "The correct answer is (C)."), 1);
  EXPECT_EQ(task.score(set.samples[0], "C"), 0);
  data.write("data.json", "[" + row.substr(0, row.find("\"C\"")) + "\"E\", \"context\": \"T\"}]");
  expect_error([&] { task.make(data.request("longbench-v2")); }, {"data.json:1", "expected A, B, C or D"});
}

constexpr const char* kNeedles = R"([{"id": "0401", "system_prompt": "", "needle": "{CHAR} lives near {1}.",
  "questions": {"onehop": "Who has been to {2}?"}, "character_set": ["Yuki", "Stuart"],
  "tests": {"T1": {"input_args": ["the opera", "Dresden"]}, "T2": {"input_args": ["the dam", "Egypt"]}},
  "distractors": {"onehop": "Nobody was in {2}."}}])";

void write_nolima(const MadeData& data) {
  data.write("needlesets/needle_set.json", kNeedles);
  std::string book;
  for (int i = 0; i < 500; ++i) book += cat("line ", i, " of the book\n");
  data.write("haystack/rand_shuffle/rand_book_1.txt", book);
}

TEST(Nolima, PutsTheNeedleWhereItIsAsked) {
  MadeData data;
  write_nolima(data);
  TaskRequest request = data.request("nolima");
  request.lengths = {1000};
  request.depths = {0, 0.5, 1};
  request.samples = 6;
  const Task task = nolima_task();
  const EvalSet set = task.make(request);
  ASSERT_EQ(set.samples.size(), 6U);
  for (const EvalSample& sample : set.samples) {
    const std::string& text = set.documents[sample.document].text;
    const std::string needle = sample.details.at("needle");
    const std::string before = text.substr(0, text.find(needle));
    ASSERT_NE(text.find(needle + "\n"), std::string::npos);
    const auto tokens = static_cast<double>(request.count_tokens(text));
    EXPECT_NEAR(static_cast<double>(request.count_tokens(before)) / tokens, sample.depth, 0.02);
    EXPECT_LE(tokens + static_cast<double>(request.count_tokens(sample.question)) + 192, 1000);
    EXPECT_GE(tokens, 750);
    const std::size_t distractor = text.find("Nobody was in ");
    ASSERT_NE(distractor, std::string::npos);
    const auto distance = static_cast<double>(request.count_tokens(text.substr(0, distractor))) / tokens - sample.depth;
    EXPECT_GE(std::abs(distance), 0.17);
    EXPECT_TRUE(needle.starts_with(sample.answers.at(0)));
    EXPECT_EQ(sample.question.find("{"), std::string::npos);
    EXPECT_EQ(task.score(sample, "It is " + sample.answers[0] + "."), 1);
    EXPECT_EQ(task.score(sample, "nobody"), 0);
  }
  request.settings["nolima.metric"] = "exact";
  EXPECT_EQ(task.score(task.make(request).samples[0], "It is Yuki."), 0);
  request.lengths = {200};
  expect_error([&] { task.make(request); }, {"200 tokens leave no room"});
  request.lengths = {100000};
  expect_error([&] { task.make(request); }, {"shorter than 100000 tokens"});
  request.settings["nolima.metric"] = "best";
  expect_error([&] { task.make(request); }, {"nolima.metric=best"});
  data.write("needlesets/needle_set.json", R"([{"id": "1", "questions": {"a": "b"}, "tests": {"T": {}}}])");
  request.settings.erase("nolima.metric");
  expect_error([&] { task.make(request); }, {"needle_set.json:1: \"tests\""});
}

TEST(RulerQa, HoldsTheNeededPassageAmongOthers) {
  MadeData data;
  std::string articles;
  for (int i = 0; i < 30; ++i) {
    articles += cat(i == 0 ? "" : ", ", R"({"paragraphs": [{"context": "Passage )", i, R"( tells of town )", i,
                    R"( in the hills.", "qas": [{"question": "Which town is it in )", i,
                    R"(?", "is_impossible": false, "answers": [{"text": "Town )", i,
                    R"("}]}, {"question": "Never", "is_impossible": true, "answers": []}]}]})");
  }
  data.write("squad.json", R"({"data": [)" + articles + "]}");
  TaskRequest request = data.request("x");
  request.data["squad"] = data.folder() / "squad.json";
  const EvalSet set = make_ruler_qa(request, "qa-1", 200, 5);
  ASSERT_EQ(set.samples.size(), 5U);
  for (const EvalSample& sample : set.samples) {
    const std::string& text = set.documents[sample.document].text;
    EXPECT_NE(text.find("of " + std::string(1, 't') + sample.answers[0].substr(1) + " in"), std::string::npos);
    EXPECT_TRUE(text.starts_with("Document 1:\nPassage"));
    EXPECT_LE(request.count_tokens(text) + request.count_tokens(sample.question) + 1 + 32, 200);
    EXPECT_GE(request.count_tokens(text), 130);
    EXPECT_EQ(ruler_match_part("it is " + sample.answers[0], sample.answers), 1);
  }
  EXPECT_EQ(set.documents[0].text, make_ruler_qa(request, "qa-1", 200, 5).documents[0].text);
  EXPECT_GT(request.count_tokens(make_ruler_qa(request, "qa-1", 1000, 1).documents[0].text), 900);  // they come again
  expect_error([&] { make_ruler_qa(request, "qa-1", 50, 1); }, {"larger --lengths"});
  expect_error([&] { make_ruler_qa(request, "qa-2", 50, 1); }, {"--data hotpotqa=PATH"});

  data.write("hotpot.json",
             R"([{"question": "Q?", "answer": "A", "context": [["T1", ["One. ", "Two."]], ["T2", ["B"]]]},
                               {"question": "P?", "answer": "B", "context": [["T3", ["Three."]]]}])");
  request.data["hotpotqa"] = data.folder() / "hotpot.json";
  const EvalSet pairs = make_ruler_qa(request, "qa-2", 80, 2);
  ASSERT_EQ(pairs.samples.size(), 2U);
  EXPECT_NE(pairs.documents[0].text.find("T1\nOne. Two."), std::string::npos);
  data.write("hotpot.json", R"([{"question": "Q?", "answer": "A", "context": [["T1"]]}])");
  expect_error([&] { make_ruler_qa(request, "qa-2", 80, 2); }, {"hotpot.json:1: \"context\""});
  data.write("squad.json", R"({"data": [{"paragraphs": 3}]})");
  expect_error([&] { make_ruler_qa(request, "qa-1", 80, 2); }, {"squad.json: \"paragraphs\": expected a list"});
}

}  // namespace
}  // namespace tome::eval
