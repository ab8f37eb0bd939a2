// RULER's variable tracking (scripts/data/synthetic/variable_tracking.py): one chain of five variables, in order, in
// noise.
#include <algorithm>

#include "base/error.h"
#include "eval/tasks/haystack.h"
#include "eval/tasks/random_texts.h"
#include "eval/tasks/ruler.h"

namespace tome::eval {
namespace {

constexpr std::int64_t kAnswerTokens = 30;
constexpr std::size_t kHops = 4;
constexpr std::string_view kIntro =
    "The text below sets variables, one from another. Keep track of the value of each of them.\n\n";

struct Chain {
  std::vector<std::string> variables;
  std::vector<std::string> statements;
  std::string value;
};

Chain make_chain(Choices& choices, std::size_t letters, bool for_training) {
  Chain chain;
  Unseen seen;
  chain.value = random_number(choices, 5);
  for (std::size_t hop = 0; hop <= kHops; ++hop) {
    chain.variables.push_back(seen.next([&] { return random_letters(choices, letters, 'A'); }));
    const std::string& before = hop == 0 ? chain.value : chain.variables[hop - 1];
    chain.statements.push_back(for_training ? cat(chain.variables[hop], " := ", before, ";")
                                            : cat("VAR ", chain.variables[hop], " = ", hop == 0 ? "" : "VAR ", before));
  }
  return chain;
}

std::string question_for(const Chain& chain, bool for_training) {
  if (for_training) return cat("List the names that end up as ", chain.value, '.');
  return cat("Which variables of the text have the value ", chain.value, "?");
}

std::string prefix_for(const Chain& chain, bool for_training) {
  if (for_training) return cat("As ", chain.value, " end up");
  return cat("By the assignments in the text, ", chain.variables.size(), " variables have the value ", chain.value,
             ", namely:");
}

// The worked example that RULER puts before every text: a short one, with variables of three letters.
std::string worked_example(Choices& choices) {
  const Chain chain = make_chain(choices, 3, false);
  std::string text(kIntro);
  std::size_t line = 0;
  for (const std::string& statement : chain.statements) {
    text += ruler_noise()[line++ % ruler_noise().size()];
    text += statement + "\n";
  }
  text += cat("\n", question_for(chain, false), "\n", prefix_for(chain, false));
  for (const std::string& variable : chain.variables) text += " " + variable;
  return text + "\n\n";
}

}  // namespace

std::optional<EvalSet> make_ruler_variables(const TaskRequest& request, std::int64_t length, std::int64_t samples) {
  EvalSet set;
  for (std::int64_t i = 0; i < samples; ++i) {
    Choices choices(request.seed, cat("ruler-vt-", length, "-", i));
    const std::string before = request.for_training ? "" : worked_example(choices) + std::string(kIntro);
    const Chain chain = make_chain(choices, 5, request.for_training);
    EvalSample sample;
    sample.question = question_for(chain, request.for_training);
    sample.answer_prefix = prefix_for(chain, request.for_training);
    sample.answers = chain.variables;
    sample.answer_tokens = kAnswerTokens;
    HaystackOrder order;
    order.intro = before;
    order.separator = '\n';
    order.tokens = length - question_tokens(request, sample);
    std::vector<double> depths;
    while (depths.size() < chain.statements.size()) depths.push_back(choices.uniform());
    std::sort(depths.begin(), depths.end());
    for (std::size_t hop = 0; hop < depths.size(); ++hop) order.needles.push_back({depths[hop], chain.statements[hop]});
    std::optional<std::string> document = fill_haystack(ruler_noise(), order, request.count_tokens);
    if (!document) return std::nullopt;
    add_ruler_sample(set, std::move(*document), std::move(sample));
  }
  return set;
}

}  // namespace tome::eval
