#include "data/task_source.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "base/error.h"
#include "eval/choices.h"

namespace tome::data {
namespace {

constexpr int kMostEmpty = 20;        // portions one after another of which no row fits
constexpr double kFrameShare = 0.03;  // a length counts question and answer too

class TaskSource : public RowSource {
 public:
  TaskSource(eval::Task task, std::string name, const BuildRequest& request)
      : task_(std::move(task)), name_(std::move(name)), request_(request) {}

  std::optional<BuiltRow> next() override {
    for (int empty = 0; rows_.empty(); ++empty) {
      if (empty == kMostEmpty) {
        throw_user_error(name_, ": none of its samples has a document of ", request_.least_tokens, " to ",
                         request_.most_tokens, " tokens; widen --tokens");
      }
      fetch();
    }
    BuiltRow row = std::move(rows_.front());
    rows_.pop_front();
    return row;
  }
  std::vector<std::string> notes() const override { return notes_; }

 private:
  void fetch() {
    const std::int64_t portion = portion_++;
    eval::Choices choices(request_.seed, cat("data-", name_, '-', portion));
    const double least = static_cast<double>(request_.least_tokens) * (1 + kFrameShare);
    const double most = std::max(least, static_cast<double>(request_.most_tokens));
    eval::TaskRequest asked;
    asked.lengths = {static_cast<std::int64_t>(least * std::pow(most / least, choices.uniform()))};
    // Questions of one document, one in each equal part of the depth.
    asked.samples = task_.name == "ruler" ? 1 : request_.questions;  // RULER asks one question of a document
    for (std::int64_t i = 0; i < asked.samples; ++i) {
      const double part = (static_cast<double>(i) + choices.uniform()) / static_cast<double>(asked.samples);
      asked.depths.push_back(request_.least_depth + part * (request_.most_depth - request_.least_depth));
    }
    asked.seed = choices.below(std::uint64_t{1} << 53);
    asked.for_training = true;
    asked.data = request_.data;
    asked.settings = request_.settings;
    asked.settings.try_emplace(task_.name + ".questions", cat(asked.samples));
    if (name_ != task_.name) {
      asked.settings.insert_or_assign(task_.name + ".parts", name_.substr(task_.name.size() + 1));
    }
    asked.count_tokens = request_.count_tokens;
    eval::EvalSet set = task_.make(asked);
    if (portion == 0) refuse_unsought(*asked.sought);
    if (name_ != task_.name) {
      std::erase_if(set.samples, [&](const eval::EvalSample& sample) { return sample.task != name_; });
    }
    std::vector<BuiltRow> rows = rows_of(set, name_, request_.licence, request_.count_tokens);
    choices.shuffle(rows);
    for (BuiltRow& row : rows) {
      if (row.tokens >= request_.least_tokens && row.tokens <= request_.most_tokens) rows_.push_back(std::move(row));
    }
    if (notes_.empty()) notes_ = std::move(set.notes);
  }

  // Of the user's settings those of this task.
  void refuse_unsought(const eval::NamesSought& sought) const {
    eval::TaskRequest given;
    *given.sought = sought;
    for (const auto& [name, value] : request_.settings) {
      if (name.starts_with(task_.name + '.')) given.settings.emplace(name, value);
    }
    eval::refuse_unsought(given);
  }

  eval::Task task_;
  std::string name_;
  BuildRequest request_;
  std::deque<BuiltRow> rows_;
  std::vector<std::string> notes_;
  std::int64_t portion_ = 0;
};

// The preferred answer, or all of them where all are asked for.
std::string answer_of(const eval::EvalSample& sample) {
  const bool all = sample.details.is_object() && sample.details.contains("all_answers");
  std::string answer = sample.answer_prefix;
  if (!answer.empty() && answer.back() != ' ' && answer.back() != '\n') answer += ' ';
  answer += sample.answers.front();
  for (std::size_t i = 1; all && i < sample.answers.size(); ++i) answer += ", " + sample.answers[i];
  return answer;
}

}  // namespace

std::vector<BuiltRow> rows_of(const eval::EvalSet& set, const std::string& source, const std::string& licence,
                              const std::function<std::int64_t(std::string_view)>& count_tokens) {
  std::vector<BuiltRow> rows;
  std::size_t document = set.documents.size();  // that the last row is of
  for (const eval::EvalSample& sample : set.samples) {
    TOME_CHECK(sample.document < set.documents.size() && !sample.answers.empty(), sample.id);
    const std::string& text = set.documents[sample.document].text;
    if (text.empty()) continue;
    if (sample.document != document) {
      rows.push_back({text, {}, source, licence.empty() ? "unknown" : licence, "", count_tokens(text)});
      document = sample.document;
    }
    rows.back().questions.push_back({sample.question, answer_of(sample), sample.depth});
  }
  return rows;
}

std::unique_ptr<RowSource> make_task_source(const eval::Task& task, const std::string& name,
                                            const BuildRequest& request) {
  if (!task.trains) {
    std::string names;
    for (const eval::Task& one : eval::tasks()) names += one.trains ? cat(names.empty() ? "" : ", ", one.name) : "";
    throw_user_error(name, ": is for measuring alone; of the tasks of tome eval these make training rows: ", names);
  }
  return std::make_unique<TaskSource>(task, name, request);
}

}  // namespace tome::data
