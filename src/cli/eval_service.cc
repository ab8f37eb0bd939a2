#include "cli/eval_service.h"

#include <array>
#include <cstdio>
#include <iostream>
#include <utility>

#include "base/error.h"
#include "cli/output.h"
#include "eval/judge.h"

namespace tome::cli {

double spent_in(const eval::RunFolder& folder) {
  double dollars = 0;
  for (const std::string& view : folder.views()) {
    for (const auto& [id, answer] : folder.answers(view)) dollars += answer.cost;
    for (const auto& [id, verdict] : eval::read_verdicts(folder, view)) dollars += verdict.said.cost;
  }
  return dollars;
}

eval::ApiOptions service_options(const AnswererFlags& flags, const ServiceName& name,
                                 const std::filesystem::path& folder, std::function<double()> spent) {
  eval::ApiOptions options;
  options.kind = eval::find_api_kind(name.api);
  options.connection.url = name.url;
  options.connection.key_variable = name.key_variable;
  options.connection.timeout_seconds = flags.service.timeout;
  options.connection.retries = flags.service.retries;
  options.connection.requests_per_minute = flags.service.requests_per_minute;
  options.connection.raw_folder = folder / "raw";
  options.prompt.model = name.model;
  options.concurrency = flags.service.concurrency;
  options.cost_limit = flags.service.cost_limit;
  options.spent = std::move(spent);
  if (!flags.service.prices.empty()) options.price = eval::Prices(flags.service.prices).of(name.model);
  return options;
}

void agree_on_cost(const AnswererFlags& flags, const eval::CostEstimate& estimate) {
  if (estimate.prompt_tokens == 0) return;
  std::array<char, 32> dollars;
  std::snprintf(dollars.data(), dollars.size(), "$%.2f", estimate.dollars);
  const std::string words =
      cat("about ", dollars.data(), " for ", estimate.prompt_tokens, " tokens of text and at most ",
          estimate.answer_tokens, " of answers (tokens by the tokenizer of this run)");
  if (estimate.dollars > 0 && !flags.service.yes && flags.service.cost_limit == 0) {
    throw_user_error("this run costs ", words, "; give --yes to go on, or --cost-limit DOLLARS");
  }
  if (!flags.model.quiet) std::cerr << one_line("this run costs " + words) << '\n';
}

}  // namespace tome::cli
