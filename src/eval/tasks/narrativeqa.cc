// NarrativeQA (Kocisky et al., 2018): questions to stories, asked to the summaries or to the whole books and scripts.
#include <map>

#include "base/error.h"
#include "eval/scorers/overlap.h"
#include "eval/scorers/rouge.h"
#include "eval/tasks/csv.h"
#include "eval/tasks/published.h"
#include "eval/tasks/tasks.h"
#include "text/document.h"

namespace tome::eval {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWhere =
    "a checkout of github.com/deepmind/narrativeqa (documents.csv, qaps.csv, third_party/wikipedia/summaries.csv; "
    "whole "
    "texts by its download_stories.sh in tmp/)";

struct Question {
  std::string document, question, answer1, answer2;
};

// One of `choices`, the first one without a setting.
std::string one_of(const TaskRequest& request, const std::string& name, const std::vector<std::string>& choices) {
  std::string value = setting(request, name, choices[0]);
  std::string all;
  for (const std::string& choice : choices) {
    if (choice == value) return value;
    all += cat(all.empty() ? "" : ", ", choice);
  }
  throw_user_error("--set ", name, "=", value, ": expected one of ", all);
}

std::vector<Question> read_questions(const fs::path& folder, const std::string& wanted_set) {
  std::vector<Question> questions;
  const Csv file(folder / "qaps.csv", {"document_id", "set", "question", "answer1", "answer2"});
  file.for_each([&](const Csv::Row& row) {
    if (row.values[1] != wanted_set) return;
    if (row.values[2].empty() || row.values[3].empty()) throw_user_error(row.where, ": an empty question or answer");
    questions.push_back({row.values[0], row.values[2], row.values[3], row.values[4]});
  });
  if (questions.empty()) throw_user_error((folder / "qaps.csv").string(), ": has no question of the set ", wanted_set);
  return questions;
}

std::map<std::string, std::string> read_summaries(const fs::path& folder) {
  std::map<std::string, std::string> summaries;
  const Csv file(folder / "third_party" / "wikipedia" / "summaries.csv", {"document_id", "summary"});
  file.for_each([&](const Csv::Row& row) { summaries[row.values[0]] = row.values[1]; });
  return summaries;
}

// Ids come from a stranger's file and become the name of another one.
bool is_plain_id(const std::string& id) {
  return !id.empty() && id.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::vector<Question> with_whole_text(const fs::path& folder, std::vector<Question> questions, EvalSet& set) {
  const std::size_t all = questions.size();
  std::erase_if(questions, [&](const Question& question) {
    std::error_code error;
    return !is_plain_id(question.document) || !fs::exists(folder / "tmp" / (question.document + ".content"), error);
  });
  if (questions.empty()) throw_user_error((folder / "tmp").string(), ": holds no text; run its download_stories.sh");
  if (questions.size() < all) set.notes.push_back(cat("narrativeqa: ", all - questions.size(), " without their text"));
  return questions;
}

EvalSet make_narrativeqa(const TaskRequest& request) {
  const fs::path folder = need_data(request, "narrativeqa", "narrativeqa", kWhere, "narrativeqa");
  const bool whole = one_of(request, "narrativeqa.texts", {"summaries", "full"}) == "full";
  const std::string wanted_set = one_of(request, "narrativeqa.set", {"test", "valid", "train"});
  const std::string metric = one_of(request, "narrativeqa.metric", {"f1", "rouge-l"});
  EvalSet set;
  std::vector<Question> questions = read_questions(folder, wanted_set);
  if (whole) questions = with_whole_text(folder, std::move(questions), set);
  const std::map<std::string, std::string> summaries =
      whole ? std::map<std::string, std::string>() : read_summaries(folder);
  std::map<std::string, std::size_t> documents;
  for (const std::size_t index : chosen_rows(request, "narrativeqa", questions.size(), set)) {
    const Question& question = questions[index];
    const auto [document, is_new] = documents.try_emplace(question.document, set.documents.size());
    if (is_new && whole) {
      set.documents.push_back({read_documents({folder / "tmp" / (question.document + ".content")}).text});
    } else if (is_new) {
      const auto summary = summaries.find(question.document);
      if (summary == summaries.end()) throw_user_error(folder.string(), ": no summary of ", question.document);
      set.documents.push_back({summary->second});
    }
    EvalSample sample;
    sample.id = cat("narrativeqa-", wanted_set, "-", index + 1);
    sample.task = "narrativeqa";
    sample.document = document->second;
    sample.question =
        cat("Answer from the story above, with a short phrase and no reasons.\nQuestion: ", question.question);
    sample.answers = {question.answer1};
    if (!question.answer2.empty()) sample.answers.push_back(question.answer2);
    sample.answer_tokens = 128;
    sample.details["metric"] = metric;
    set.samples.push_back(std::move(sample));
  }
  group_by_document(set);
  return set;
}

double score(const EvalSample& sample, std::string_view answer) {
  if (sample.details.at("metric") == "rouge-l") return rouge_l_coco(answer, sample.answers);
  return best_over(sample.answers, [&](const std::string& reference) { return token_f1(answer, reference); });
}

}  // namespace

Task narrativeqa_task() {
  Task task;
  task.name = "narrativeqa";
  task.summary = "questions to stories, by their summaries or whole (--set narrativeqa.texts=full)";
  task.data = cat("narrativeqa: ", kWhere);
  task.make = make_narrativeqa;
  task.score = score;
  task.always_compare = true;
  return task;
}

}  // namespace tome::eval
