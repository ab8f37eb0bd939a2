// Rows out of books, tasks and mixes: what they ask is true of their text.
#include "data/build.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "data/book_facts.h"
#include "data/books.h"
#include "data/json_array.h"
#include "data/question_sets.h"
#include "data/task_source.h"
#include "formats/files.h"
#include "train/data_row.h"

namespace tome::data {
namespace {

using nlohmann::json;

std::int64_t words_of(std::string_view text) {
  return static_cast<std::int64_t>(std::count(text.begin(), text.end(), ' ') + 1);
}

class Build : public ::testing::Test {
 protected:
  std::string put(const std::string& name, const std::string& text) {
    const auto path = scratch_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }
  BuildRequest request() {
    for (int book = 0; book < 3; ++book) {
      std::string text = "Header\n*** START OF THE PROJECT GUTENBERG EBOOK ***\n";
      for (int i = 0; i < 150; ++i) {
        text += cat("\nThe traveller number ", i, " of tale ", book, " went along the road to the old mill. ",
                    i % 9 == 0 ? "Then he met Barnaby there.\n" : "He rested a while.\n");
      }
      put(cat("books/b", book, ".txt"), text + "\n*** END OF THE PROJECT GUTENBERG EBOOK ***\nLicence\n");
    }
    BuildRequest asked;
    asked.least_tokens = 800;
    asked.most_tokens = 1600;
    asked.books = scratch_.path() / "books";
    asked.licence = "public domain";
    asked.count_tokens = words_of;
    return asked;
  }
  Scratch scratch_;
};

TEST_F(Build, RowsOverBooksAreTrue) {
  const BuildRequest asked = request();
  for (const char* name : {"keys", "chain", "order", "count"}) {
    const auto source = make_source(name, asked), again = make_source(name, asked);
    for (int i = 0; i < 12; ++i) {
      const BuiltRow row = source->next().value();
      EXPECT_EQ(row_line(row), row_line(again->next().value()));
      EXPECT_EQ(row.tokens, words_of(row.document));
      EXPECT_GE(row.tokens, 800);
      EXPECT_LE(row.tokens, 1600);
      EXPECT_EQ(row.licence, "public domain");
      EXPECT_EQ(row.document.find("GUTENBERG"), std::string::npos);
      EXPECT_EQ(parse_row(row_line(row), "x").questions.size(), row.questions.size());
      for (const BuiltQuestion& asks : row.questions) {
        if (std::string_view(name) == "keys") {
          const std::string key = asks.question.substr(std::string_view("What is the number of ").size());
          const std::string fact = cat("The number of ", key.substr(0, key.size() - 1), " is ", asks.answer, ".");
          const std::size_t at = row.document.find(fact);
          ASSERT_NE(at, std::string::npos);
          EXPECT_NEAR(asks.depth, static_cast<double>(at) / static_cast<double>(row.document.size()), 1e-9);
        } else if (std::string_view(name) == "count") {
          const std::size_t begin = asks.question.find('"') + 1;
          const std::string word = asks.question.substr(begin, asks.question.rfind('"') - begin);
          EXPECT_TRUE(word == "Barnaby" || word == "Then") << word;
          std::int64_t count = 0;
          for (std::size_t at = 0; (at = row.document.find(word, at)) != std::string::npos; ++at) ++count;
          EXPECT_EQ(asks.answer, cat(count));
        } else if (std::string_view(name) == "order") {
          std::size_t last = 0;
          for (const char letter : {asks.answer[0], asks.answer[3], asks.answer[6], asks.answer[9]}) {
            const std::size_t begin = asks.question.find(cat('(', letter, ") ")) + 4;
            const std::string sentence = asks.question.substr(begin, asks.question.find('.', begin) + 1 - begin);
            const std::size_t at = row.document.find(sentence);
            ASSERT_NE(at, std::string::npos) << sentence;
            EXPECT_GE(at, last);
            last = at;
          }
        } else {
          EXPECT_NE(row.document.find(cat("holds the number ", asks.answer, ".")), std::string::npos);
        }
      }
    }
  }
}

TEST_F(Build, DepthsAreSpreadEvenlyOverWhatIsAsked) {
  BuildRequest asked = request();
  std::array<int, 4> quarters{};
  const auto source = make_source("keys", asked);
  for (int i = 0; i < 50; ++i) {
    const BuiltRow row = source->next().value();
    for (std::size_t part = 0; part < row.questions.size(); ++part) {
      const double depth = row.questions[part].depth;
      ++quarters[static_cast<std::size_t>(std::min(3.0, 4 * depth))];
      // One fact in each part; a paragraph and the facts themselves move it a little.
      EXPECT_GE(depth, 0.25 * static_cast<double>(part) - 0.03);
      EXPECT_LE(depth, 0.25 * static_cast<double>(part + 1) + 0.03);
    }
  }
  for (const int count : quarters) EXPECT_NEAR(count, 50, 8);
  asked.least_depth = 0.4;
  asked.most_depth = 0.6;
  const auto middle = make_source("keys", asked);
  for (int i = 0; i < 10; ++i) {
    const BuiltRow row = middle->next().value();
    for (const BuiltQuestion& one : row.questions) EXPECT_NEAR(one.depth, 0.5, 0.13);
  }
}

eval::Task fake_task() {
  eval::Task task;
  task.name = "fake";
  task.trains = true;
  task.make = [](const eval::TaskRequest& asked) {
    eval::EvalSet set;
    for (std::int64_t i = 0; i < asked.samples; ++i) {
      std::string text = cat("seed", asked.seed);
      while (asked.count_tokens(text) < asked.lengths.at(0) - 3) text += " word";
      if (i % 2 == 0) set.documents.push_back({text, 0});
      eval::EvalSample sample;
      sample.id = cat("fake-", i);
      sample.task = i % 2 == 0 ? "fake/a" : "fake/b";
      sample.document = set.documents.size() - 1;
      sample.question = cat("q", i);
      sample.answers = {"yes", "no"};
      sample.answer_prefix = i % 2 == 0 ? "" : "It is:";
      sample.depth = 0.25;
      set.samples.push_back(sample);
    }
    return set;
  };
  return task;
}

TEST_F(Build, ATaskAsASource) {
  const BuildRequest asked = request();
  const auto source = make_task_source(fake_task(), "fake", asked);
  const BuiltRow first = source->next().value();
  ASSERT_EQ(first.questions.size(), 2u);
  EXPECT_EQ(first.questions[0].answer, "yes");
  EXPECT_EQ(first.questions[1].answer, "It is: yes");
  EXPECT_EQ(first.questions[0].depth, 0.25);
  EXPECT_EQ(first.source, "fake");
  EXPECT_GE(first.tokens, 800);
  EXPECT_LE(first.tokens, 1600);
  EXPECT_EQ(source->next()->document, first.document);
  EXPECT_NE(source->next()->document, first.document);  // the next portion
  const auto part = make_task_source(fake_task(), "fake/b", asked);
  EXPECT_EQ(part->next()->questions.size(), 1u);
}

TEST_F(Build, TasksThatTrain) {
  BuildRequest asked = request();
  asked.least_depth = 0.5;
  for (const char* name : {"lines", "needle", "ruler/vt", "ruler/niah-multivalue"}) {
    const auto source = make_source(name, asked), again = make_source(name, asked);
    const std::string_view of = name;
    for (int i = 0; i < 6; ++i) {
      const BuiltRow row = source->next().value();
      EXPECT_EQ(row_line(row), row_line(again->next().value()));
      EXPECT_EQ(row.questions.size(), of.starts_with("ruler") ? 1u : 4u) << name;
      EXPECT_GE(row.tokens, 800);
      EXPECT_LE(row.tokens, 1600);
      std::vector<double> depths;
      for (const BuiltQuestion& one : row.questions) depths.push_back(one.depth);
      std::sort(depths.begin(), depths.end());
      for (std::size_t part = 0; part < depths.size() && depths.size() == 4; ++part) {
        EXPECT_GE(depths[part], 0.5 + 0.125 * static_cast<double>(part));
        EXPECT_LE(depths[part], 0.5 + 0.125 * static_cast<double>(part + 1));
      }
      for (const BuiltQuestion& one : row.questions) {
        const std::string answer = one.answer.substr(one.answer.rfind(' ') + 1);
        EXPECT_NE(row.document.find(answer), std::string::npos) << one.answer;
        EXPECT_EQ(std::count(one.answer.begin(), one.answer.end(), ','), of == "ruler/vt"        ? 4
                                                                         : of.ends_with("value") ? 3
                                                                                                 : 0);
      }
    }
  }
  asked.settings["needle.count"] = "3";
  EXPECT_EQ(make_source("needle", asked)->next()->questions[0].answer.find(", "), 5u);
  for (const char* name : {"novel", "infinitebench"}) EXPECT_THROW(make_source(name, asked), UserError) << name;
}

TEST_F(Build, MixesByWeight) {
  const BuildRequest asked = request();
  const std::string out = (scratch_.path() / "out.jsonl").string();
  const BuildResult result = build_rows(parse_mix("keys=2,count"), asked, 9, out);
  EXPECT_EQ(result.rows, 9);
  EXPECT_EQ(result.sources, (std::vector<std::pair<std::string, std::int64_t>>{{"keys", 6}, {"count", 3}}));
  for (const char* bad : {"", "a=", "a=0", "a=-1", "a=x", "a,a", "=1", "a=nan"})
    EXPECT_THROW(parse_mix(bad), UserError) << bad;
}

TEST_F(Build, PublishedSets) {
  BuildRequest asked = request();
  asked.questions = 2;
  std::string text = "long";
  for (int i = 0; i < 1000; ++i) text += " text";
  const json quality = {{"article_id", "7"},
                        {"article", text},
                        {"license", "CC BY 4.0"},
                        {"questions",
                         {{{"question", "Which?"}, {"options", {"red", "blue"}}, {"gold_label", 2}},
                          {{"question", "Unlabelled?"}, {"options", {"a"}}}}}};
  asked.data["quality"] = put("quality.jsonl", quality.dump() + "\n");
  const BuiltRow one = make_source("quality", asked)->next().value();
  EXPECT_EQ(one.questions[0].question, "Which? (A) red (B) blue");
  EXPECT_EQ(one.questions[0].answer, "(B) blue");
  EXPECT_EQ(one.questions.size(), 1u);
  EXPECT_EQ(one.licence, "CC BY 4.0");
  const json alpaca = {
      {{"instruction", "Below is a paper. " + text + "\n Now the paper ends. \nWhat of [it\\]?"}, {"output", "This."}},
      {{"instruction", "Short one"}, {"output", "x"}}};
  asked.data["longalpaca"] = put("alpaca.json", alpaca.dump(1));
  const auto source = make_source("longalpaca", asked);
  const BuiltRow two = source->next().value();
  EXPECT_EQ(two.questions[0].question, "What of [it\\]?");
  EXPECT_EQ(two.document, "Below is a paper. " + text);
  EXPECT_FALSE(source->next());
  EXPECT_EQ(source->notes().size(), 1u);
  const json bench = {{"context", text}, {"input", "Who?"}, {"answers", {"Kim", "K"}}, {"dataset", "hotpotqa"}};
  asked.data["longbench"] = put("bench.jsonl", bench.dump());
  EXPECT_EQ(make_source("longbench", asked)->next()->source, "LongBench/hotpotqa");
  put("nqa/documents.csv", "document_id,set,kind\r\nab12,train,gutenberg\r\ncd34,train,movie\r\n");
  put("nqa/qaps.csv",
      "document_id,set,question,answer1,answer2\nab12,train,\"Who, if "
      "\"\"any\"\"?\",Kim,K\nab12,train,Q2?,A2,\nab12,train,Q3?,A3,\n");
  put("nqa/tmp/ab12.content", text);
  asked.data["narrativeqa"] = scratch_.path() / "nqa";
  const auto narrative = make_source("narrativeqa", asked);
  const BuiltRow three = narrative->next().value();
  EXPECT_EQ(three.questions[0].question, "Who, if \"any\"?");
  EXPECT_EQ(three.questions.size(), 2u);
  EXPECT_EQ(narrative->next()->questions.size(), 1u);
  EXPECT_FALSE(narrative->next());
  EXPECT_EQ(narrative->notes().size(), 1u);  // cd34 has no text
  std::string rows;
  for (int i = 0; i < 3; ++i)
    rows += json({{"document", text}, {"question", cat("q", i)}, {"answer", "a"}, {"source", "mine"}}).dump() + '\n';
  asked.data["rows"] = put("rows.jsonl", rows);
  const auto joined_rows = make_source("rows", asked);
  EXPECT_EQ(joined_rows->next()->questions.size(), 2u);
  EXPECT_EQ(joined_rows->next()->questions.size(), 1u);
}

TEST_F(Build, RowsOutsideTheRangeAreLeftOut) {
  BuildRequest asked = request();
  std::string rows;
  for (const int words : {799, 800, 1600, 1601}) {
    std::string text = "a";
    for (int i = 1; i < words; ++i) text += " b";
    rows += json({{"document", text}, {"question", "q"}, {"answer", "a"}}).dump() + '\n';
  }
  asked.data["rows"] = put("rows.jsonl", rows);
  const auto source = make_source("rows", asked);
  std::set<std::int64_t> tokens;
  while (const auto row = source->next()) tokens.insert(row->tokens);
  EXPECT_EQ(tokens, (std::set<std::int64_t>{800, 1600}));
  EXPECT_EQ(source->notes().front().substr(0, 11), "2 documents");
  eval::Task longer = fake_task();  // its documents are often longer than was asked for
  longer.make = [](eval::TaskRequest wider) {
    wider.lengths[0] += wider.lengths[0] / 4;
    return fake_task().make(wider);
  };
  const auto filtered = make_task_source(longer, "fake", asked);
  for (int i = 0; i < 20; ++i) EXPECT_LE(filtered->next()->tokens, 1600);
}

TEST_F(Build, BrokenTables) {
  for (const char* bad : {"", "[", "[1", "{}", "[1] [2]", "[\"]"}) {
    EXPECT_THROW(array_elements(put("bad.json", bad)), UserError) << bad;
  }
  const auto places = array_elements(put("good.json", " [ {\"a]\": \"\\\"]\"} , [1, 2] ,3]\n"));
  ASSERT_EQ(places.size(), 3u);
  EXPECT_EQ(places[1].offset, 19u);
  EXPECT_EQ(places[1].bytes, 6u);
}

}  // namespace
}  // namespace tome::data
