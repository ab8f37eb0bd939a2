// LongBench (Bai et al., 2023): 21 sets of questions to texts of 1,000 to 22,000 words, and LongBench-E's 13 by length.
#include <algorithm>
#include <array>
#include <memory>

#include "base/error.h"
#include "eval/scorers/longbench.h"
#include "eval/tasks/json_rows.h"
#include "eval/tasks/published.h"
#include "eval/tasks/tasks.h"

namespace tome::eval {
namespace {

constexpr const char* kWhere =
    "the unpacked data.zip of Hugging Face THUDM/LongBench, a folder of files like hotpotqa.jsonl";

// How a set is asked, scored, and how long its answers get (dataset2maxlen.json).
struct Part {
  std::string_view name;
  LongBenchRule rule;
  std::int64_t answer_tokens;
  std::string_view before, after;  // around the row's input
};

using enum LongBenchMetric;
constexpr std::string_view kPassages = "Answer from the passages above, with nothing but the answer.\nQuestion: ";
constexpr std::array<Part, 21> kParts = {{
    {"narrativeqa", {kQaF1}, 128, "Answer from the story above, with a short phrase and no reasons.\nQuestion: ", ""},
    {"qasper",
     {kQaF1},
     128,
     "Answer from the article above, with a phrase or one sentence. A yes-or-no question is answered \"yes\" or "
     "\"no\"; "
     "what the article does not tell is answered \"unanswerable\".\nQuestion: ",
     ""},
    {"multifieldqa_en", {kQaF1}, 64, "Answer from the text above, with nothing but the answer.\nQuestion: ", ""},
    {"multifieldqa_zh", {kQaF1Chinese}, 64, "根据上文，用中文作答，只写答案。\n问题：", ""},
    {"hotpotqa", {kQaF1}, 32, kPassages, ""},
    {"2wikimqa", {kQaF1}, 32, kPassages, ""},
    {"musique", {kQaF1}, 32, kPassages, ""},
    {"dureader", {kRougeChinese}, 128, "根据上面的文章回答。\n问题：", ""},
    {"gov_report", {kRouge}, 512, "Summarise the report above on one page.", ""},
    {"qmsum", {kRouge}, 512, "Answer from the meeting above, in a few sentences.\nQuestion: ", ""},
    {"multi_news", {kRouge}, 512, "Summarise all the news above on one page.", ""},
    {"vcsum", {kRougeChinese}, 512, "为上面的会议记录写一段总结。", ""},
    {"trec", {kClassification, true}, 64, "Name the type of this question, as in the examples above.\n", ""},
    {"triviaqa", {kQaF1, true}, 32, "Answer from the passage, as in the examples above.\n", ""},
    {"samsum", {kRouge, true}, 128, "Summarise this dialogue, as in the examples above.\n", ""},
    {"lsht", {kClassification, true}, 64, "按照上面的例子，写出这条新闻的类别。\n", ""},
    {"passage_count",
     {kCount},
     32,
     "Some of the paragraphs above are the same. How many different ones are there? Give the number only.",
     ""},
    {"passage_retrieval_en",
     {kRetrieval},
     32,
     "Which of the paragraphs above does this abstract sum up?\n",
     "\nGive its number, as in \"Paragraph 1\"."},
    {"passage_retrieval_zh", {kRetrievalChinese}, 32, "下面的摘要出自上文的哪一段？\n", "\n请写出编号，例如“段落1”。"},
    {"lcc", {kCodeSimilarity}, 64, "Next line of code:", ""},
    {"repobench-p", {kCodeSimilarity}, 64, "", "Next line of code:"},
}};

// LongBench-E has the sets of this index in files named with "_e".
constexpr std::array<std::string_view, 13> kByLength = {
    "qasper",     "multifieldqa_en", "hotpotqa", "2wikimqa",      "gov_report",           "multi_news",
    "trec",       "triviaqa",        "samsum",   "passage_count", "passage_retrieval_en", "lcc",
    "repobench-p"};

bool is_by_length(std::string_view name) { return name.ends_with("_e"); }

const Part& part_of(std::string_view name) {
  if (is_by_length(name)) name.remove_suffix(2);
  const auto found = std::find_if(kParts.begin(), kParts.end(), [&](const Part& part) { return part.name == name; });
  TOME_CHECK(found != kParts.end(), name);
  return *found;
}

// eval.py's groups of LongBench-E, by the row's own length in words.
std::string length_group(const JsonRow& row) {
  const nlohmann::json& length = row.field("length");
  if (!length.is_number_integer()) row.refuse("length", "expected a whole number");
  const auto words = length.get<std::int64_t>();
  return words < 4000 ? "0-4k" : words < 8000 ? "4-8k" : "8k+";
}

EvalSample make_sample(const JsonRow& row, const std::string& name, std::size_t number) {
  const Part& part = part_of(name);
  EvalSample sample;
  sample.id = cat("longbench-", name, "-", number);
  sample.task = cat("longbench/", name, is_by_length(name) ? cat("/", length_group(row)) : std::string());
  sample.question = cat(part.before, row.text("input"), part.after);
  sample.answers = row.texts("answers");
  sample.answer_tokens = part.answer_tokens;
  sample.one_line = part.rule.first_line_only;
  const LongBenchMetric metric = part.rule.metric;
  if (metric == kClassification) sample.details["classes"] = row.texts("all_classes");
  if (metric == kRetrieval || metric == kRetrievalChinese) {
    for (const std::string& answer : sample.answers) {
      if (paragraph_number(answer, metric).empty()) row.refuse("answers", "expected \"Paragraph 1\" or \"段落1\"");
    }
  }
  return sample;
}

EvalSet make_part(const TaskRequest& request, const std::string& name, const std::filesystem::path& file) {
  EvalSet set;
  DocumentPool documents;
  const JsonRows rows(file);
  for (const std::size_t index : chosen_rows(request, cat("longbench/", name), rows.size(), set)) {
    const JsonRow row = rows.row(index);
    EvalSample sample = make_sample(row, name, index + 1);
    sample.document = documents.index(set, row.text("context"));
    set.samples.push_back(std::move(sample));
  }
  group_by_document(set);
  return set;
}

EvalSet make_longbench(const TaskRequest& request) {
  const std::filesystem::path folder = need_data(request, "longbench", "longbench", kWhere, "longbench");
  std::vector<std::string> names;
  names.reserve(kParts.size() + kByLength.size());
  for (const Part& part : kParts) names.emplace_back(part.name);
  const std::vector<std::string> all = names;
  for (const std::string_view name : kByLength) names.push_back(cat(name, "_e"));
  const bool chosen = request.settings.contains("longbench.parts");
  EvalSet set;
  for (const std::string& name : chosen ? chosen_parts(request, "longbench", names) : all) {
    const std::filesystem::path file = published_file(folder, name + ".jsonl", {"data"});
    if (!file.empty()) {
      append(set, make_part(request, name, file));
    } else if (chosen) {
      throw_user_error(folder.string(), ": has no ", name, ".jsonl; expected ", kWhere);
    } else {
      set.notes.push_back(cat("longbench/", name, ": no file"));
    }
  }
  if (set.samples.empty()) throw_user_error(folder.string(), ": has no file of LongBench; expected ", kWhere);
  return set;
}

double score(const EvalSample& sample, std::string_view answer, ChineseWords& chinese) {
  const std::string_view rest = std::string_view(sample.task).substr(std::string_view("longbench/").size());
  const std::vector<std::string> classes =
      sample.details.is_object() ? sample.details.at("classes").get<std::vector<std::string>>() : Words();
  return longbench_score(part_of(rest.substr(0, rest.find('/'))).rule, answer, sample.answers, classes, chinese);
}

}  // namespace

Task longbench_task() {
  Task task;
  task.name = "longbench";
  task.summary = "LongBench's 21 sets: questions, summaries, few-shot, code; English and Chinese";
  task.data = cat("longbench: ", kWhere);
  task.make = make_longbench;
  task.score = [chinese = std::make_shared<ChineseWords>()](const EvalSample& sample, std::string_view answer) {
    return score(sample, answer, *chinese);
  };
  return task;
}

}  // namespace tome::eval
