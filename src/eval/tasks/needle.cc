#include "eval/tasks/needle.h"

#include <algorithm>

#include "base/error.h"
#include "eval/scorers/numbers_said.h"
#include "eval/tasks/haystack.h"
#include "eval/tasks/tasks.h"

namespace tome::eval {
namespace {

constexpr std::string_view kIntro = "Facts are hidden in this text. One or more of them will be asked for.\n\n";
constexpr std::int64_t kTokensOfAnswer = 24;  // room for one number with words around it

struct Settings {
  std::size_t count = 1;  // needles of a question
  bool paraphrased = false;
};

Settings settings_of(const TaskRequest& request) {
  const std::string kind = setting(request, "needle.kind", "literal");
  if (kind != "literal" && kind != "paraphrased") {
    throw_user_error("--set needle.kind=", kind, ": expected literal or paraphrased");
  }
  return {static_cast<std::size_t>(setting(request, "needle.count", 1, 1)), kind == "paraphrased"};
}

std::string question_for(const std::vector<Fact>& facts, KeyShare share) {
  const bool training = share == KeyShare::kTraining;
  if (facts.size() == 1) return facts[0].question + (training ? "" : " Answer with the number alone.");
  std::string question = training ? "Give the number of each, with commas:"
                                  : "Answer these questions with their numbers, in one line, with commas between them:";
  for (const Fact& fact : facts) question += " " + fact.question;
  return question;
}

class Maker {
 public:
  Maker(const TaskRequest& request, std::vector<std::string> sentences)
      : request_(request), settings_(settings_of(request)), sentences_(std::move(sentences)) {}

  std::pair<std::string, std::vector<EvalSample>> make(std::int64_t length, const std::vector<double>& depths,
                                                       std::size_t number) const {
    Choices choices(request_.seed, cat("needle-", length, "-", number));
    Facts facts(choices, share_of(request_));
    HaystackOrder order;
    if (!request_.for_training) order.intro = kIntro;
    order.start = static_cast<std::size_t>(choices.below(sentences_.size()));
    const std::vector<Shot> shots = worked_examples(facts, choices, order);
    std::vector<EvalSample> samples;
    std::int64_t longest = 0;
    for (const double depth : depths) {
      samples.push_back(ask(facts, depth, order));
      samples.back().length = length;
      samples.back().shots = shots;
      longest = std::max(longest, question_tokens(request_, samples.back()));
    }
    order.tokens = length - longest;
    std::optional<std::string> text = fill_haystack(sentences_, order, request_.count_tokens);
    if (!text) throw_too_short("needle", length, longest + least_tokens(order));
    return {std::move(*text), std::move(samples)};
  }

 private:
  Fact tell(Facts& facts) const { return settings_.paraphrased ? facts.paraphrased() : facts.literal(); }

  static void hide(const Fact& fact, double depth, HaystackOrder& order) {
    order.needles.push_back({depth, fact.text});
    order.forbidden.push_back(fact.value);
    if (!fact.key.empty()) order.forbidden.push_back(fact.key);
  }

  // Facts of their own, anywhere in the text.
  std::vector<Shot> worked_examples(Facts& facts, Choices& choices, HaystackOrder& order) const {
    std::vector<Shot> shots;
    while (std::ssize(shots) < request_.shots) {
      const Fact fact = tell(facts);
      hide(fact, choices.uniform(), order);
      shots.push_back({question_for({fact}, share_of(request_)), fact.value});
    }
    return shots;
  }

  // The first needle stands at `depth`, the others of its question at even steps from there to the end.
  EvalSample ask(Facts& facts, double depth, HaystackOrder& order) const {
    EvalSample sample;
    sample.task = "needle";
    sample.depth = depth;
    sample.answer_tokens = kTokensOfAnswer * static_cast<std::int64_t>(settings_.count);
    std::vector<Fact> hidden;
    for (std::size_t i = 0; i < settings_.count; ++i) {
      const double step = (1 - depth) * static_cast<double>(i) / static_cast<double>(settings_.count);
      hidden.push_back(tell(facts));
      hide(hidden.back(), depth + step, order);
      sample.answers.push_back(hidden.back().value);
    }
    sample.question = question_for(hidden, share_of(request_));
    if (settings_.count > 1) sample.details = {{"all_answers", true}};
    return sample;
  }

  std::int64_t least_tokens(const HaystackOrder& order) const {
    std::string text = order.intro;
    for (const Needle& needle : order.needles) text += needle.text + " ";
    return request_.count_tokens(text);
  }

  const TaskRequest& request_;
  Settings settings_;
  std::vector<std::string> sentences_;
};

EvalSet make_needle(const TaskRequest& request) {
  TOME_CHECK(request.count_tokens);
  EvalSet set;
  const Maker maker(request, haystack_sentences(request, "needle", set.notes));
  const std::int64_t wanted = request.samples > 0 ? request.samples : 10;
  const auto depths =
      depths_by_document(request, wanted, questions_of_document(request, "needle", wanted, 5), {0, 0.25, 0.5, 0.75, 1});
  for (const std::int64_t length : lengths_of(request)) {
    std::size_t number = 0;
    for (std::size_t document = 0; document < depths.size(); ++document) {
      auto [text, samples] = maker.make(length, depths[document], document);
      for (EvalSample& sample : samples) {
        sample.id = sample_id("needle", std::to_string(length), sample.depth, number++);
        sample.document = set.documents.size();
        set.samples.push_back(std::move(sample));
      }
      set.documents.push_back({std::move(text), 0});
    }
  }
  return set;
}

}  // namespace

Task needle_task() {
  Task task;
  task.name = "needle";
  task.summary = "a short fact at a depth of a long text, and a question for it";
  task.data = "haystack: a text file or a folder of them, to hide facts in; without it, plain sentences of tome's own";
  task.make = make_needle;
  task.trains = true;
  task.depth_grid = true;
  task.score = [](const EvalSample& sample, std::string_view answer) { return numbers_said(answer, sample.answers); };
  return task;
}

}  // namespace tome::eval
