#include "eval/tasks/nolima_needles.h"

#include "base/error.h"
#include "eval/scorers/words.h"
#include "eval/tasks/json_rows.h"

namespace tome::eval {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kName = "{CHAR}";

const Json& object_field(const JsonRow& row, std::string_view key) {
  const Json& value = row.field(key);
  if (!value.is_object()) row.refuse(key, "expected an object");
  return value;
}

std::vector<std::string> texts_of(const JsonRow& row, const std::string& key, const Json& value) {
  if (value.is_string()) return {value.get<std::string>()};
  return JsonRow{{{key, value}}, row.where}.texts(key);
}

// {1}, {2}, ... in `text` become the test's arguments.
std::string filled(std::string text, const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) text = replace_all(text, cat("{", i + 1, "}"), arguments[i]);
  return text;
}

// A set may bring its own template of the whole prompt; what follows the book in it is the question.
std::string asked(const JsonRow& row, const std::string& question) {
  if (!row.fields.contains("task_template")) {
    return cat("Answer from the book above, by what it says or by what surely follows from it. Question: ", question,
               "\nGive the final answer only.");
  }
  const std::string& whole = row.text("task_template");
  constexpr std::string_view kBook = "{haystack}";
  const std::size_t book = whole.find(kBook);
  if (book == std::string::npos || whole.find("{question}", book) == std::string::npos) {
    row.refuse("task_template", "expected {haystack} and then {question}");
  }
  return std::string(strip(replace_all(whole.substr(book + kBook.size()), "{question}", question)));
}

NolimaTest make_test(const JsonRow& row, const std::string& kind, const std::string& question, const std::string& id,
                     const Json& test) {
  if (!test.is_object() || !test.contains("input_args")) row.refuse("tests", "expected objects with input_args");
  const Json& given = test.at("input_args");
  const std::vector<std::string> arguments =
      given.is_array() && given.empty() ? Words() : texts_of(row, "input_args", given);
  NolimaTest result;
  result.id = cat(row.text("id"), "-", id, "-", kind);
  result.needle = filled(row.text("needle"), arguments);
  result.question = asked(row, filled(question, arguments));
  if (test.contains("gold_answers")) result.answers = texts_of(row, "gold_answers", test.at("gold_answers"));
  if (row.fields.contains("character_set")) result.characters = row.texts("character_set");
  if (row.fields.contains("distractors")) {
    const Json& distractors = object_field(row, "distractors");
    if (!distractors.contains(kind) || !distractors.at(kind).is_string()) row.refuse("distractors", "lacks " + kind);
    result.distractor = filled(distractors.at(kind).get<std::string>(), arguments);
  }
  const bool has_name = result.needle.find(kName) != std::string::npos;
  if (has_name && result.characters.empty()) row.refuse("character_set", "expected names for {CHAR}");
  if (!has_name && result.answers.empty()) row.refuse("tests", "expected gold_answers for a needle without {CHAR}");
  return result;
}

}  // namespace

std::vector<NolimaTest> read_nolima_tests(const std::filesystem::path& file) {
  std::vector<NolimaTest> tests;
  const JsonRows rows(file);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const JsonRow row = rows.row(i);
    for (const auto& [kind, question] : object_field(row, "questions").items()) {
      if (!question.is_string()) row.refuse("questions", "expected texts");
      for (const auto& [id, test] : object_field(row, "tests").items()) {
        tests.push_back(make_test(row, kind, question.get<std::string>(), id, test));
      }
    }
  }
  if (tests.empty()) throw_user_error(file.string(), ": has no tests; download the needle set again");
  return tests;
}

}  // namespace tome::eval
