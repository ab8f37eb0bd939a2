// InfiniteBench (Zhang et al., 2024): twelve sets of questions to texts of about 100,000 tokens and more.
#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"
#include "eval/scorers/infinitebench.h"
#include "eval/tasks/json_rows.h"
#include "eval/tasks/published.h"
#include "eval/tasks/tasks.h"

namespace tome::eval {
namespace {

using Json = nlohmann::json;

constexpr const char* kWhere =
    "the files of Hugging Face xinrongzhang2022/InfiniteBench, a folder of files like longbook_qa_eng.jsonl";

enum class Label { kText, kTexts, kWhole, kNumber, kWholes, kOption };

// How a set is asked, and how long its answers get (DATA_NAME_TO_MAX_NEW_TOKENS).
struct Part {
  std::string_view name;
  std::int64_t answer_tokens;
  Label label;
  std::string_view before, after, answer_prefix;  // around the row's input; the answer's first words
};

using enum Label;
constexpr std::array<Part, 12> kParts = {{
    {"passkey", 6, kText, "", "", "The pass key is"},
    {"number_string", 12, kText, "", "", "The sequence of digits is"},
    {"kv_retrieval", 50, kText, "", "", ""},
    {"longbook_sum_eng", 1200, kTexts, "Summarise the book above.", "", ""},
    {"longbook_choice_eng", 40, kOption,
     "Which option is right by the book above?\nQuestion: ", "\nAnswer with its letter.", ""},
    {"longbook_qa_eng", 40, kTexts, "Answer from the book above, as briefly as you can.\nQuestion: ", "", ""},
    {"longbook_qa_chn", 40, kTexts, "根据上面的书，尽量简短地回答。\n问题：", "", ""},
    {"longdialogue_qa_eng", 40, kTexts,
     "One name in the script above is hidden by $$MASK$$. Whose is it? Write the name alone, as it stands before the "
     "colons.",
     "", ""},
    {"math_find", 3, kNumber, "", "", ""},
    {"math_calc", 30000, kWholes,
     "Write down the value after each operation of the expression above, from its first number on. For 2 + 5 - 3 that "
     "is "
     "[2, 7, 4].",
     "", ""},
    {"code_run", 5, kWhole, "", "", "The return value is"},
    {"code_debug", 5, kOption, "One of these functions of the code above holds a mistake that makes it fail.", "",
     "The correct option is:"},
}};

// Sets whose `input` is asked; the others have a question of their own.
bool asks_input(std::string_view part) {
  return part != "longbook_sum_eng" && part != "longdialogue_qa_eng" && part != "math_calc" && part != "code_debug";
}

// The published files have numbers, or texts of them.
template <typename Number>
Json number_of(const JsonRow& row, const Json& value) {
  const bool fits = std::is_integral_v<Number> ? value.is_number_integer() : value.is_number();
  if (fits) return value;
  Number number = 0;
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) return number;
  }
  row.refuse("answer", std::is_integral_v<Number> ? "expected a whole number" : "expected a number");
}

Json one_number(const JsonRow& row, const Json& value) {
  const bool whole = value.is_string() && value.get_ref<const std::string&>().find('.') == std::string::npos;
  return whole ? number_of<std::int64_t>(row, value) : number_of<double>(row, value);
}

const Json& only(const JsonRow& row, const Json& value) {
  if (!value.is_array()) return value;
  if (value.size() != 1) row.refuse("answer", "expected one answer");
  return value[0];
}

std::vector<std::string> options_of(const JsonRow& row) {
  std::vector<std::string> options = row.texts("options");
  if (options.size() != 4) row.refuse("options", "expected four options");
  return options;
}

// The right option and its letter. Some rows have the letter, too.
Json option_label(const JsonRow& row, const Json& answer) {
  const bool with_letter = answer.is_array() && answer.size() == 2;
  const Json& right = with_letter ? answer[0] : only(row, answer);
  const std::vector<std::string> options = options_of(row);
  const auto found =
      right.is_string() ? std::find(options.begin(), options.end(), right.get<std::string>()) : options.end();
  if (with_letter && right.is_string() && answer[1].is_string()) return answer;
  if (found == options.end() || found->empty()) row.refuse("answer", "expected one of the options");
  return {right, std::string(1, static_cast<char>('A' + (found - options.begin())))};
}

Json label_of(const JsonRow& row, const Part& part) {
  const Json& answer = row.field("answer");
  switch (part.label) {
    case kText: {
      if (!only(row, answer).is_string()) row.refuse("answer", "expected a text");
      return only(row, answer);
    }
    case kTexts:
      return answer.is_string() ? Json::array({answer}) : Json(row.texts("answer"));
    case kWhole:
      return number_of<std::int64_t>(row, only(row, answer));
    case kNumber:
      return one_number(row, only(row, answer));
    case kOption:
      return option_label(row, answer);
    case kWholes:
      break;
  }
  const Json& values = answer.is_array() && !answer.empty() && answer[0].is_array() ? answer[0] : answer;
  if (!values.is_array() || values.empty()) row.refuse("answer", "expected a list of whole numbers");
  Json numbers = Json::array();
  for (const Json& value : values) numbers.push_back(number_of<std::int64_t>(row, value));
  return numbers;
}

std::vector<std::string> answers_of(const Json& label) {
  if (label.is_string()) return {label.get<std::string>()};
  if (!label.is_array() || !label[0].is_string()) return {label.dump()};
  return label.get<std::vector<std::string>>();
}

std::string question_of(const JsonRow& row, const Part& part) {
  std::string question(part.before);
  if (asks_input(part.name)) question += row.text("input");
  if (part.label == kOption) {
    const std::vector<std::string> options = options_of(row);
    for (std::size_t i = 0; i < options.size(); ++i) {
      question += cat("\n", static_cast<char>('A' + i), ". ", options[i]);
    }
  }
  return question.append(part.after);
}

EvalSet make_part(const TaskRequest& request, const Part& part, const std::filesystem::path& file) {
  EvalSet set;
  DocumentPool documents;
  const JsonRows rows(file);
  for (const std::size_t index : chosen_rows(request, cat("infinitebench/", part.name), rows.size(), set)) {
    const JsonRow row = rows.row(index);
    EvalSample sample;
    sample.id = cat("infinitebench-", part.name, "-", index + 1);
    sample.task = cat("infinitebench/", part.name);
    sample.question = question_of(row, part);
    sample.answer_prefix = part.answer_prefix;
    const Json label = label_of(row, part);
    sample.answers = answers_of(label);
    sample.details["label"] = label;
    sample.answer_tokens = part.answer_tokens;
    sample.one_line = false;
    sample.document = documents.index(set, row.text("context"));
    set.samples.push_back(std::move(sample));
  }
  group_by_document(set);
  return set;
}

EvalSet make_infinitebench(const TaskRequest& request) {
  const std::filesystem::path folder = need_data(request, "infinitebench", "infinitebench", kWhere, "infinitebench");
  std::vector<std::string> names;
  names.reserve(kParts.size());
  for (const Part& part : kParts) names.emplace_back(part.name);
  const bool chosen = request.settings.contains("infinitebench.parts");
  EvalSet set;
  for (const std::string& name : chosen_parts(request, "infinitebench", names)) {
    const std::filesystem::path file = published_file(folder, name + ".jsonl", {"data"});
    const auto part = std::find_if(kParts.begin(), kParts.end(), [&](const Part& row) { return row.name == name; });
    if (!file.empty()) {
      append(set, make_part(request, *part, file));
    } else if (chosen) {
      throw_user_error(folder.string(), ": has no ", name, ".jsonl; expected ", kWhere);
    } else {
      set.notes.push_back(cat("infinitebench/", name, ": no file"));
    }
  }
  if (set.samples.empty()) throw_user_error(folder.string(), ": has no file of InfiniteBench; expected ", kWhere);
  return set;
}

double score(const EvalSample& sample, std::string_view answer) {
  const std::string_view part = std::string_view(sample.task).substr(std::string_view("infinitebench/").size());
  return infinitebench_score(part, answer, sample.details.at("label"));
}

}  // namespace

Task infinitebench_task() {
  Task task;
  task.name = "infinitebench";
  task.summary = "InfiniteBench's 12 sets: books, dialogue, code, mathematics, retrieval at 100,000 tokens and more";
  task.data = cat("infinitebench: ", kWhere);
  task.make = make_infinitebench;
  task.score = score;
  return task;
}

}  // namespace tome::eval
