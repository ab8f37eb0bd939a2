// What a model service charges: the price file, and what a run will cost before it starts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/answerers/api_request.h"

namespace tome::eval {

struct Price {
  double input = 0, output = 0;  // dollars for a million tokens

  double of(std::int64_t prompt_tokens, std::int64_t answer_tokens) const {
    return (input * static_cast<double>(prompt_tokens) + output * static_cast<double>(answer_tokens)) * 1e-6;
  }
};

/// A JSON file {"PATTERN": {"input": DOLLARS, "output": DOLLARS}, ...}; "*" in a pattern stands for any characters.
class Prices {
 public:
  /// Throws UserError naming the file and what is wrong in it.
  explicit Prices(const std::filesystem::path& file);

  /// By the longest pattern that the whole name of the model matches. Throws UserError when there is none.
  Price of(const std::string& model) const;

 private:
  std::filesystem::path file_;
  std::vector<std::pair<std::string, Price>> patterns_;
};

struct CostEstimate {
  std::int64_t prompt_tokens = 0;
  std::int64_t answer_tokens = 0;  // the most that there can be
  double dollars = 0;

  CostEstimate& operator+=(const CostEstimate& more) {
    prompt_tokens += more.prompt_tokens;
    answer_tokens += more.answer_tokens;
    dollars += more.dollars;
    return *this;
  }
};

/// Tokens of a text.
using TokenCount = std::function<std::int64_t(std::string_view)>;

/// Of the samples `wanted`. count_tokens is asked once for each document, and once for what follows it.
CostEstimate estimate_cost(const EvalSet& set, std::span<const std::size_t> wanted, ApiKind kind,
                           const ApiPrompt& prompt, const TokenCount& count_tokens, const Price& price);

}  // namespace tome::eval
