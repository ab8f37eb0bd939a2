// RULER (Hsieh et al. 2024, arXiv 2404.06654): 13 tasks of one length. The rules and settings are those of
// github.com/NVIDIA/RULER (scripts/synthetic.yaml), the wording is tome's own.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "eval/task.h"

namespace tome::eval {

/// The length up to which a model is said to work: the longest one whose average score (0..100) is at least
/// `threshold`, whatever shorter ones have, as in the paper's table; nothing when none is. 85.6 is Llama-2-7B's average
/// at 4K.
std::optional<std::int64_t> effective_length(std::span<const std::pair<std::int64_t, double>> averages,
                                             double threshold = 85.6);

/// One of the 13 tasks.
struct RulerPart {
  std::string_view name;  // "niah-single-1": its samples' task is "ruler/niah-single-1"
  /// Samples of one length, with everything but their ids set. The sentences of the haystack are those of `text`.
  /// Nothing: the length is too short for it.
  std::function<std::optional<EvalSet>(const TaskRequest&, const std::vector<std::string>& text, std::int64_t length,
                                       std::int64_t samples)>
      make;
  /// 0..1 (eval/scorers/string_match.h).
  double (*score)(std::string_view answer, std::span<const std::string> references);
};

/// All parts, in the paper's order.
const std::vector<RulerPart>& ruler_parts();

// The makers of the parts.
std::optional<EvalSet> make_ruler_niah(std::string_view part, const TaskRequest& request,
                                       const std::vector<std::string>& text, std::int64_t length, std::int64_t samples);
std::optional<EvalSet> make_ruler_variables(const TaskRequest& request, std::int64_t length, std::int64_t samples);
std::optional<EvalSet> make_ruler_common_words(const TaskRequest& request, std::int64_t length, std::int64_t samples);
std::optional<EvalSet> make_ruler_frequent_words(const TaskRequest& request, std::int64_t length, std::int64_t samples);

/// The short sentences that are repeated as noise.
const std::vector<std::string>& ruler_noise();

/// Puts a sample with its own document behind `set`.
void add_ruler_sample(EvalSet& set, std::string document, EvalSample sample);

}  // namespace tome::eval
