#include "eval/judge.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "eval/results.h"
#include "eval/sample_json.h"

namespace tome::eval {
namespace {

using nlohmann::json;

constexpr std::int64_t kVerdictTokens = 8;

std::string verdicts_name(std::string_view view) { return cat("judged/", view, ".jsonl"); }

std::string verdict_line(const std::string& id, const Verdict& verdict) {
  const std::optional<bool> same = verdict.same();
  nlohmann::ordered_json object = to_json(id, verdict.said);
  object["answer"] = verdict.answer;
  object["verdict"] = !verdict.said.error.empty() ? nullptr : json(!same ? "unclear" : *same ? "yes" : "no");
  return json_line(object);
}

// Its words in small letters, without what a model thinks aloud before it speaks.
std::vector<std::string> spoken_words(std::string_view text) {
  constexpr std::string_view kThought = "</think>";
  if (const std::size_t end = text.rfind(kThought); end != std::string_view::npos)
    text.remove_prefix(end + kThought.size());
  std::vector<std::string> words;
  bool inside = false;
  for (const char c : text) {
    const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool letter = (small >= 'a' && small <= 'z') || static_cast<unsigned char>(c) >= 0x80;
    if (letter && !inside) words.emplace_back();
    if (letter) words.back() += small;
    inside = letter;
  }
  return words;
}

}  // namespace

std::optional<bool> Verdict::same() const {
  const std::vector<std::string> words = spoken_words(said.text);
  if (words.empty()) return std::nullopt;
  bool yes = false, no = false;
  for (const std::string& word : {words.front(), words.back()}) {
    yes = yes || word == "yes";
    no = no || word == "no";
  }
  return yes == no ? std::nullopt : std::optional(yes);
}

bool wants_judge(const EvalSample& sample, std::span<const std::string> tasks) {
  if (sample.details.is_object() && sample.details.value("judge", json()) == true) return true;
  const std::string whole = sample.task.substr(0, sample.task.find('/'));
  return std::any_of(tasks.begin(), tasks.end(),
                     [&](const std::string& task) { return task == sample.task || task == whole; });
}

EvalSample judge_question(const EvalSample& sample, std::string_view view, const std::string& given) {
  EvalSample question;
  question.id = cat(view, "/", sample.id);
  question.task = sample.task;
  question.question =
      cat("Here are a question, ", sample.answers.size() > 1 ? "the answers that are" : "the answer that is",
          " right, and what somebody answered.\n\nQuestion:\n", sample.question, "\n");
  for (const std::string& answer : sample.answers) question.question += cat("\nRight: ", answer);
  question.question +=
      cat("\nSomebody's answer: ", given, "\n\nDoes somebody's answer mean the same as ",
          sample.answers.size() > 1 ? "one of the right ones" : "the right one",
          "? Other words, more detail and slips of spelling are fine. An answer that is about something "
          "else, that names several things to be safe, or that is empty is not the same. Say one word: "
          "yes or no.\nVerdict:");
  question.answers = {"yes"};
  question.answer_tokens = kVerdictTokens;
  question.one_line = false;
  return question;
}

const Verdict* find_verdict(const Verdicts& verdicts, const EvalSample& sample, const EvalAnswer& answer) {
  const auto found = verdicts.find(sample.id);
  if (found == verdicts.end() || found->second.answer != scored_text(sample, answer.text)) return nullptr;
  return &found->second;
}

Verdicts read_verdicts(const RunFolder& folder, std::string_view view) {
  Verdicts verdicts;
  const std::string name = verdicts_name(view);
  for (const json& line : folder.lines(name)) {
    try {
      verdicts[line.at("id").get<std::string>()] = {line.at("answer").get<std::string>(), answer_from_json(line)};
    } catch (const json::exception&) {
      throw_user_error((folder.path() / name).string(), ": a line is not a verdict; remove the file to judge again");
    }
  }
  return verdicts;
}

Judging::Judging(const RunFolder& folder, const EvalSet& set, std::string_view view, std::span<const std::string> tasks)
    : folder_(folder), view_(view) {
  const Answers answers = folder.answers(view);
  const Verdicts before = read_verdicts(folder, view);
  questions_.documents.emplace_back();
  for (const EvalSample& sample : set.samples) {
    const auto answer = answers.find(sample.id);
    if (answer == answers.end() || !is_scored(answer->second)) continue;
    const Verdict* verdict = find_verdict(before, sample, answer->second);
    if (verdict != nullptr && verdict->said.error.empty()) {
      kept_[sample.id] = *verdict;
    } else if (wants_judge(sample, tasks)) {
      const std::string given = scored_text(sample, answer->second.text);
      questions_.samples.push_back(judge_question(sample, view, given));
      asked_.emplace_back(sample.id, given);
    }
  }
}

void Judging::ask(Answerer& judge, const std::function<void(const AnswerProgress&)>& progress,
                  const std::atomic<bool>& stop) {
  if (asked_.empty()) return;
  std::vector<std::string> lines;
  for (const auto& [id, verdict] : kept_) lines.push_back(verdict_line(id, verdict));
  JsonLines file(folder_.path() / verdicts_name(view_), lines);
  std::vector<std::size_t> wanted(asked_.size());
  std::iota(wanted.begin(), wanted.end(), std::size_t{0});
  judge.answer(
      questions_, wanted,
      [&](std::size_t index, const EvalAnswer& said) {
        const auto& [id, given] = asked_[index];
        file.add(verdict_line(id, {given, said}));
      },
      progress, stop);
}

}  // namespace tome::eval
