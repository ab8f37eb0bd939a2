#include "eval/answerers/prices.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/json.h"
#include "formats/printable.h"

namespace tome::eval {
namespace {

using nlohmann::json;

/// Linear in the product of the lengths, whatever the stars.
bool matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

double dollars(const json& price, const char* key, const std::string& where) {
  const auto found = price.is_object() ? price.find(key) : price.end();
  const bool number = price.is_object() && found != price.end() && found->is_number();
  const double value = number ? found->get<double>() : -1;
  constexpr double kMost = 1e6;
  if (!(value >= 0 && value <= kMost)) {
    throw_user_error(where, ": expected {\"input\": DOLLARS, \"output\": DOLLARS} for a million tokens");
  }
  return value;
}

}  // namespace

Prices::Prices(const std::filesystem::path& file) : file_(file) {
  const MappedFile mapped(file);
  const json prices = parse_json(mapped.bytes(), file.string(), 8);
  if (!prices.is_object() || prices.empty()) {
    throw_user_error(file.string(), ": expected {\"MODEL\": {\"input\": DOLLARS, \"output\": DOLLARS}, ...}");
  }
  for (const auto& [pattern, price] : prices.items()) {
    const std::string where = cat(file.string(), ": ", in_quotes(pattern));
    patterns_.emplace_back(pattern, Price{dollars(price, "input", where), dollars(price, "output", where)});
  }
}

Price Prices::of(const std::string& model) const {
  const std::pair<std::string, Price>* best = nullptr;
  for (const auto& entry : patterns_) {
    const bool longer = best == nullptr || entry.first.size() > best->first.size();
    if (longer && matches(entry.first, model)) best = &entry;
  }
  if (best == nullptr) throw_user_error(file_.string(), ": no price for ", in_quotes(model), "; add a line for it");
  return best->second;
}

CostEstimate estimate_cost(const EvalSet& set, std::span<const std::size_t> wanted, ApiKind kind,
                           const ApiPrompt& prompt, const TokenCount& count_tokens, const Price& price) {
  constexpr std::int64_t kChatTokens = 8;  // of the turns' marks, about
  std::map<std::size_t, std::int64_t> document_tokens;
  CostEstimate estimate;
  const EvalSet no_documents{{EvalDocument{}}, {}, {}};
  for (const std::size_t i : wanted) {
    EvalSample sample = set.samples.at(i);
    const auto [counted, is_new] = document_tokens.try_emplace(sample.document, 0);
    if (is_new) counted->second = count_tokens(set.documents.at(sample.document).text);
    sample.document = 0;
    estimate.prompt_tokens +=
        counted->second + count_tokens(prompt_text(kind, prompt, no_documents, sample)) + kChatTokens;
    estimate.answer_tokens += answer_room(prompt, kind, sample);
  }
  estimate.dollars = price.of(estimate.prompt_tokens, estimate.answer_tokens);
  return estimate;
}

}  // namespace tome::eval
