#include "eval/scorers/matches.h"

#include <algorithm>

#include "eval/scorers/words.h"
#include "text/letters.h"

namespace tome::eval {
namespace {

std::size_t ruler_matches(std::string_view prediction, const std::vector<std::string>& references) {
  std::string plain(strip(prediction));
  for (char& byte : plain) {
    if (byte >= '\0' && byte < ' ') byte = '\n';
  }
  const std::string lower = lower_case(strip(plain));
  return static_cast<std::size_t>(std::count_if(
      references.begin(), references.end(),
      [&](const std::string& reference) { return lower.find(lower_case(reference)) != std::string::npos; }));
}

}  // namespace

double ruler_match_all(std::string_view prediction, const std::vector<std::string>& references) {
  return static_cast<double>(ruler_matches(prediction, references)) / static_cast<double>(references.size());
}

double ruler_match_part(std::string_view prediction, const std::vector<std::string>& references) {
  return ruler_matches(prediction, references) > 0 ? 1 : 0;
}

double nolima_score(NolimaMetric metric, std::string_view prediction, const std::vector<std::string>& references) {
  const bool exact = metric == NolimaMetric::kExact || metric == NolimaMetric::kLastLineExact;
  std::string_view text = metric == NolimaMetric::kContains ? prediction : strip(prediction);
  if (metric == NolimaMetric::kLastLineContains || metric == NolimaMetric::kLastLineExact) {
    text = split_at(text, '\n').back();
  }
  return std::any_of(references.begin(), references.end(),
                     [&](const std::string& reference) {
                       return exact ? text == reference : text.find(reference) != std::string_view::npos;
                     })
             ? 1
             : 0;
}

}  // namespace tome::eval
