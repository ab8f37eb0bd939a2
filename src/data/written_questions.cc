#include "data/written_questions.h"

#include <algorithm>

#include "base/error.h"

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

struct Open {
  std::size_t text = 0;
  BuiltQuestion question;
};

class Writer {
 public:
  Writer(const std::vector<WrittenText>& texts, eval::Answerer& answerer, const AnswerScore& score,
         const WrittenOptions& options)
      : texts_(texts), answerer_(answerer), score_(score), options_(options) {}

  WrittenResult run(const Passages& passages) {
    propose();
    const auto whole = [&](const Open& open) { return texts_[open.text].text; };
    const auto none = [](const Open&) { return std::string(); };
    const auto found = [&](const Open& open) { return passages(texts_[open.text].text, open.question.question); };
    keep(true, whole, result_.not_confirmed);
    keep(false, none, result_.known_without);
    keep(false, found, result_.found_in_passages);
    if (!stopped()) collect();
    return std::move(result_);
  }

 private:
  bool stopped() const { return options_.stop != nullptr && *options_.stop; }

  std::vector<eval::EvalAnswer> ask(const eval::EvalSet& set) {
    std::vector<eval::EvalAnswer> answers(set.samples.size());
    for (eval::EvalAnswer& answer : answers) answer.error = "none came";
    std::vector<std::size_t> wanted;
    for (std::size_t i = 0; i < set.samples.size(); ++i) wanted.push_back(i);
    const std::atomic<bool> never{false};
    answerer_.answer(
        set, wanted, [&](std::size_t index, const eval::EvalAnswer& answer) { answers[index] = answer; }, {},
        options_.stop != nullptr ? *options_.stop : never);
    return answers;
  }

  eval::EvalSample sample(const std::string& id, std::size_t document, const std::string& question,
                          const std::string& answer) const {
    eval::EvalSample one;
    one.id = id;
    one.task = "written";
    one.document = document;
    one.question = question;
    one.answers = {answer};
    one.answer_tokens = options_.answer_tokens;
    return one;
  }

  void propose() {
    eval::EvalSet set;
    const std::string question =
        cat("Write ", options_.questions,
            " questions about the text above. Each must need facts from at least two places "
            "of the text that are far apart, and have one short answer. One a line, as: question | answer");
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      set.documents.push_back({texts_[i].text, 0});
      set.samples.push_back(sample(cat("write-", i), i, question, "?"));
      set.samples.back().answer_tokens = options_.questions * kTokensOfProposal;
      set.samples.back().one_line = false;
    }
    const std::vector<eval::EvalAnswer> answers = ask(set);
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      result_.failed += answers[i].error.empty() ? 0 : 1;
      if (!answers[i].error.empty()) continue;
      for (BuiltQuestion& proposal : parse_proposals(answers[i].text)) open_.push_back({i, std::move(proposal)});
    }
    result_.proposed = static_cast<std::int64_t>(open_.size());
  }

  // Keeps the questions whose answer from that document is right, or those whose is not; counts the others.
  template <typename Document>
  void keep(bool wants_right, const Document& document, std::int64_t& dropped) {
    if (stopped() || open_.empty()) return;
    eval::EvalSet set;
    for (std::size_t i = 0; i < open_.size(); ++i) {
      const bool same = i > 0 && open_[i].text == open_[i - 1].text && wants_right;  // each whole text is read once
      if (!same) set.documents.push_back({document(open_[i]), 0});
      const BuiltQuestion& question = open_[i].question;
      set.samples.push_back(sample(cat("ask-", i), set.documents.size() - 1, question.question, question.answer));
    }
    const std::vector<eval::EvalAnswer> answers = ask(set);
    std::vector<Open> kept;
    for (std::size_t i = 0; i < open_.size(); ++i) {
      if (!answers[i].error.empty()) {
        ++result_.failed;
      } else if ((score_(open_[i].question.answer, answers[i].text) >= options_.right) == wants_right) {
        kept.push_back(std::move(open_[i]));
      } else {
        ++dropped;
      }
    }
    open_ = std::move(kept);
  }

  void collect() {
    for (Open& open : open_) {
      const WrittenText& text = texts_[open.text];
      if (result_.rows.empty() || result_.rows.back().document_id != text.name) {
        result_.rows.push_back(
            {text.text, {}, "written", text.licence.empty() ? "unknown" : text.licence, text.name, 0});
      }
      result_.rows.back().questions.push_back(std::move(open.question));
    }
  }

  const std::vector<WrittenText>& texts_;
  eval::Answerer& answerer_;
  const AnswerScore& score_;
  const WrittenOptions& options_;
  std::vector<Open> open_;
  WrittenResult result_;
};

}  // namespace

std::vector<BuiltQuestion> parse_proposals(std::string_view said) {
  std::vector<BuiltQuestion> proposals;
  while (!said.empty()) {
    const std::size_t end = std::min(said.size(), said.find('\n'));
    const std::string_view line = said.substr(0, end);
    said.remove_prefix(std::min(said.size(), end + 1));
    const std::size_t bar = line.find('|');
    if (bar == std::string_view::npos) continue;
    BuiltQuestion one{without_label(trimmed(line.substr(0, bar))), "", -1};
    const std::string answer = trimmed(line.substr(bar + 1));
    one.answer = answer.starts_with("Answer:") || answer.starts_with("A:") ? without_label(answer) : answer;
    const auto same = [&](const BuiltQuestion& other) { return other.question == one.question; };
    const bool whole = one.question.ends_with('?') && !one.answer.empty();
    if (whole && std::none_of(proposals.begin(), proposals.end(), same)) proposals.push_back(std::move(one));
  }
  return proposals;
}

WrittenResult write_questions(const std::vector<WrittenText>& texts, eval::Answerer& answerer, const Passages& passages,
                              const AnswerScore& score, const WrittenOptions& options) {
  return Writer(texts, answerer, score, options).run(passages);
}

}  // namespace tome::data
