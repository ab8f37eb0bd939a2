// LongBench v2 (Bai et al., 2024): 503 questions with four choices to texts of 8,000 to 2,000,000 words.
#include <array>

#include "base/error.h"
#include "eval/scorers/longbench.h"
#include "eval/scorers/words.h"
#include "eval/tasks/json_rows.h"
#include "eval/tasks/published.h"
#include "eval/tasks/tasks.h"

namespace tome::eval {
namespace {

constexpr const char* kWhere = "data.json of Hugging Face THUDM/LongBench-v2";

EvalSample make_sample(const JsonRow& row, std::size_t number) {
  constexpr std::array<const char*, 4> kChoices = {"A", "B", "C", "D"};
  EvalSample sample;
  sample.id = cat("longbench-v2-", number);
  sample.task = cat("longbench-v2/", row.text("length"));
  sample.question = cat("By the text above, ", strip(row.text("question")), "\nChoices:\n");
  for (const char* letter : kChoices) {
    sample.question += cat("(", letter, ") ", strip(row.text(cat("choice_", letter))), "\n");
  }
  sample.question += "Answer with this sentence: The correct answer is (letter).";
  const std::string& right = row.text("answer");
  if (right.size() != 1 || right[0] < 'A' || right[0] > 'D') row.refuse("answer", "expected A, B, C or D");
  sample.answers = {right};
  sample.answer_tokens = 128;
  sample.one_line = false;
  sample.details = {{"difficulty", row.text("difficulty")}, {"domain", row.text("domain")}};
  return sample;
}

EvalSet make_longbench_v2(const TaskRequest& request) {
  const std::filesystem::path path = need_data(request, "longbench-v2", "longbench-v2", kWhere, "longbench-v2");
  std::error_code error;
  const bool is_folder = std::filesystem::is_directory(path, error);
  const JsonRows rows(is_folder ? path / "data.json" : path);
  EvalSet set;
  DocumentPool documents;
  for (const std::size_t index : chosen_rows(request, "longbench-v2", rows.size(), set)) {
    const JsonRow row = rows.row(index);
    EvalSample sample = make_sample(row, index + 1);
    sample.document = documents.index(set, std::string(strip(row.text("context"))));
    set.samples.push_back(std::move(sample));
  }
  group_by_document(set);
  return set;
}

}  // namespace

Task longbench_v2_task() {
  Task task;
  task.name = "longbench-v2";
  task.summary = "LongBench v2: questions with four choices to texts of up to two million words";
  task.data = cat("longbench-v2: ", kWhere);
  task.make = make_longbench_v2;
  task.score = [](const EvalSample& sample, std::string_view answer) {
    return longbench_v2_choice(answer) == sample.answers[0][0] ? 1.0 : 0.0;
  };
  return task;
}

}  // namespace tome::eval
