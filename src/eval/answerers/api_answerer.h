// Answers from a model behind an API: any server that speaks OpenAI's chat or text completions, or Anthropic's
// messages.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "eval/answerer.h"
#include "eval/answerers/api_client.h"
#include "eval/answerers/api_request.h"
#include "eval/answerers/prices.h"

namespace tome::eval {

struct ApiOptions {
  ApiKind kind = ApiKind::kOpenai;
  ApiConnection connection;
  ApiPrompt prompt;
  int concurrency = 1;         // requests under way at a time
  std::optional<Price> price;  // nothing: costs are not counted
  double cost_limit = 0;       // dollars; 0: none
  /// Dollars of earlier parts of the run, which count against the limit; empty: none.
  std::function<double()> spent = {};
};

class ApiAnswerer : public Answerer {
 public:
  /// Throws UserError for settings out of range, a limit without a price, a key that is absent.
  explicit ApiAnswerer(ApiOptions options);

  /// Besides what Answerer says, throws UserError when the cost reaches the limit: requests under way are waited for,
  /// and their answers handed over before.
  void answer(const EvalSet& set, std::span<const std::size_t> wanted,
              const std::function<void(std::size_t, const EvalAnswer&)>& on_answer,
              const std::function<void(const AnswerProgress&)>& progress, const std::atomic<bool>& stop) override;

  nlohmann::json description() const override;

 private:
  class Run;

  ApiOptions options_;
  ApiClient client_;
};

}  // namespace tome::eval
