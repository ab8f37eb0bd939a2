#include "data/written_questions.h"

#include <algorithm>
#include <span>

#include "base/error.h"
#include "eval/answerers/retrieval.h"
#include "eval/scorers/accepted_answer.h"
#include "eval/scorers/overlap.h"

namespace tome::data {
namespace {

constexpr std::int64_t kTokensOfProposal = 80;  // room for a question with its answer

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\n\v\f\r";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin));
}

// "3. ", "- ", "Question: ".
std::string without_label(std::string text) {
  const std::size_t begin = text.find_first_not_of("0123456789.)-*# \t");
  text.erase(0, std::min(begin, text.size()));
  for (const char* label : {"Question:", "Answer:", "Q:", "A:"}) {
    if (text.starts_with(label)) text.erase(0, std::string_view(label).size());
  }
  return trimmed(text);
}

// Nothing when a stop came before all were answered.
std::optional<std::vector<eval::EvalAnswer>> ask(eval::Answerer& answerer, const eval::EvalSet& set,
                                                 const std::function<void(const eval::AnswerProgress&)>& progress,
                                                 const std::atomic<bool>& stop) {
  std::vector<eval::EvalAnswer> answers(set.samples.size());
  for (eval::EvalAnswer& answer : answers) answer.error = "none came";
  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < set.samples.size(); ++i) wanted.push_back(i);
  if (!stop && !wanted.empty()) {
    answerer.answer(
        set, wanted, [&](std::size_t index, const eval::EvalAnswer& answer) { answers[index] = answer; }, progress,
        stop);
  }
  if (stop) return std::nullopt;
  return answers;
}

}  // namespace

std::int64_t proposal_tokens(const WrittenOptions& options) { return options.questions * kTokensOfProposal; }

double answer_score(std::string_view expected, std::string_view said) {
  const std::string accepted(expected), answer = trimmed(said);
  if (eval::is_accepted(answer, std::span(&accepted, 1))) return 1;
  return eval::token_f1(std::string_view(answer).substr(0, answer.find('\n')), expected);
}

Proposals parse_proposals(std::string_view said) {
  Proposals proposals;
  while (!said.empty()) {
    const std::size_t end = std::min(said.size(), said.find('\n'));
    const std::string line = without_label(trimmed(said.substr(0, end)));
    said.remove_prefix(std::min(said.size(), end + 1));
    if (line.empty()) continue;
    const std::size_t bar = std::min(line.size(), line.find('|'));
    BuiltQuestion one{trimmed(line.substr(0, bar)), "", -1};
    const std::string answer = trimmed(line.substr(std::min(line.size(), bar + 1)));
    one.answer = answer.starts_with("Answer:") || answer.starts_with("A:") ? without_label(answer) : answer;
    const auto same = [&](const BuiltQuestion& other) { return other.question == one.question; };
    const bool whole = one.question.ends_with('?') && !one.answer.empty();
    if (whole && std::none_of(proposals.questions.begin(), proposals.questions.end(), same)) {
      proposals.questions.push_back(std::move(one));
    } else {
      ++proposals.unusable;
    }
  }
  return proposals;
}

eval::EvalSample QuestionWriter::sample(const std::string& id, std::size_t document,
                                        const BuiltQuestion& question) const {
  eval::EvalSample one;
  one.id = id;
  one.task = "written";
  one.document = document;
  one.question = question.question;
  one.answers = {question.answer};
  one.answer_tokens = options_.answer_tokens;
  return one;
}

eval::EvalSample QuestionWriter::wish(std::size_t document) const {
  const auto asking = [](std::int64_t questions) {
    return cat("Write ", questions,
               " questions about the text above. Each must need facts from at least two places of the text that are "
               "far apart, and have one short answer. One a line, as: question | answer");
  };
  eval::EvalSample one = sample(cat("write-", document), document, {asking(options_.questions), "?", -1});
  // Models that were never taught to follow instructions need to see what is meant.
  one.shots.push_back({asking(2),
                       "Which of the guests at the wedding had sold the ring to the jeweller? | the uncle\n"
                       "In which town was the letter posted that came before the fire? | Lisbon"});
  one.answer_tokens = proposal_tokens(options_);
  one.one_line = false;
  return one;
}

eval::EvalSet QuestionWriter::first_questions(const std::vector<WrittenText>& texts) const {
  eval::EvalSet set;
  const BuiltQuestion likely{"What is the name of the person who went from the one place to the other?", "?", -1};
  for (std::size_t text = 0; text < texts.size(); ++text) {
    set.documents.push_back({texts[text].text, 0});
    set.samples.push_back(wish(text));
    for (std::int64_t i = 0; i < options_.questions; ++i)
      set.samples.push_back(sample(cat("ask-", text, '-', i), text, likely));
  }
  return set;
}

eval::EvalSet QuestionWriter::about(const WrittenText& text, const std::vector<BuiltQuestion>& questions) const {
  eval::EvalSet set;
  set.documents.push_back({text.text, 0});
  for (std::size_t i = 0; i < questions.size(); ++i) set.samples.push_back(sample(cat("ask-", i), 0, questions[i]));
  return set;
}

std::optional<BuiltRow> QuestionWriter::write(const WrittenText& text,
                                              const std::function<void(const eval::AnswerProgress&)>& progress,
                                              const std::atomic<bool>& stop) {
  eval::EvalSet wished;
  wished.documents.push_back({text.text, 0});
  wished.samples.push_back(wish(0));
  const auto written = ask(answerer_, wished, progress, stop);
  if (!written) return std::nullopt;
  if (!written->front().error.empty()) {
    ++counts_.failed;
    return std::nullopt;
  }
  Proposals proposals = parse_proposals(written->front().text);
  counts_.unusable += proposals.unusable;
  BuiltRow row{text.text, std::move(proposals.questions), "written", text.licence, text.name, text.tokens};
  // Keeps the questions that are answered right, or those that are not; false: stopped.
  const auto keep = [&](bool wants_right, const auto& shown, std::int64_t& dropped) {
    const auto answers = ask(answerer_, shown(about(text, row.questions)), progress, stop);
    if (!answers) return false;
    std::vector<BuiltQuestion> kept;
    for (std::size_t i = 0; i < row.questions.size(); ++i) {
      const eval::EvalAnswer& answer = (*answers)[i];
      if (!answer.error.empty()) {
        ++counts_.failed;
      } else if ((score_(row.questions[i].answer, answer.text) >= options_.right) == wants_right) {
        kept.push_back(std::move(row.questions[i]));
      } else {
        ++dropped;
      }
    }
    row.questions = std::move(kept);
    return !row.questions.empty();
  };
  const auto whole = [](eval::EvalSet set) { return set; };
  const bool left = !row.questions.empty() && keep(false, eval::without_documents, counts_.known_without) &&
                    keep(false, passages_, counts_.found_in_passages) && keep(true, whole, counts_.not_confirmed);
  if (!left) return std::nullopt;
  counts_.kept += static_cast<std::int64_t>(row.questions.size());
  return row;
}

}  // namespace tome::data
