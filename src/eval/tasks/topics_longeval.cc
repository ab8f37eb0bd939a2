#include <algorithm>

#include "base/error.h"
#include "eval/tasks/longeval_prompt.h"
#include "eval/tasks/topics.h"

namespace tome::eval {
namespace {

constexpr std::int64_t kAnswerTokens = 50;  // as LongEval's eval.py

// The row's own question with another place for "first".
std::vector<Shot> worked_examples(const TaskRequest& request, const JsonRow& row, const EvalSample& sample) {
  constexpr std::string_view kFirst = "first topic";
  if (request.shots == 0) return {};
  const nlohmann::json& topics = sample.details["topics"];
  const std::size_t place = sample.question.find(kFirst);
  if (place == std::string::npos || std::ssize(topics) <= request.shots) {
    throw_user_error(row.where, ": no ", request.shots, " other topics to make worked examples of; leave out --shots");
  }
  std::vector<Shot> shots;
  Choices choices(request.seed, sample.id);
  for (const std::size_t other : choices.several(topics.size() - 1, static_cast<std::size_t>(request.shots))) {
    std::string question = sample.question;
    question.replace(place, kFirst.size(), cat("topic number ", other + 2));
    shots.push_back({std::move(question), topics[other + 1].get<std::string>()});
  }
  return shots;
}

}  // namespace

EvalSet read_longeval_topics(const TaskRequest& request, const std::filesystem::path& path) {
  EvalSet set;
  const JsonRows rows(path);
  const std::size_t wanted = request.samples == 0 ? rows.size() : static_cast<std::size_t>(request.samples);
  for (std::size_t i = 0; i < std::min(wanted, rows.size()); ++i) {
    const JsonRow row = rows.row(i);
    auto [document, question] = split_longeval_prompt(row, "Now the record ends");
    const nlohmann::json& topics = row.list("topics");
    for (const nlohmann::json& topic : topics) {
      if (!topic.is_string()) throw_user_error(row.where, ": \"topics\" has ", topic.type_name(), ", expected texts");
    }
    if (topics.empty()) throw_user_error(row.where, ": \"topics\" is empty");
    EvalSample sample;
    sample.id = cat("topics-", path.stem().string(), "-", row.line);
    sample.task = "topics";
    sample.depth = 0;
    sample.document = set.documents.size();
    sample.question = std::move(question);
    sample.answers = {topics.front().get<std::string>()};
    sample.answer_tokens = kAnswerTokens;
    sample.one_line = false;
    sample.details = {{"judge", true}, {"topics", topics}};
    sample.shots = worked_examples(request, row, sample);
    set.documents.push_back({std::move(document), 0});
    set.samples.push_back(std::move(sample));
  }
  return set;
}

}  // namespace tome::eval
