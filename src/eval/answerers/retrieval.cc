#include "eval/answerers/retrieval.h"

#include <algorithm>

#include "base/error.h"

namespace tome::eval {
namespace {

constexpr const char* kLeftOut = "\n\n. . .\n\n";

/// `chosen` in ascending order.
std::string joined(const std::vector<std::string_view>& passages, const std::vector<std::size_t>& chosen) {
  std::string text;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (i > 0 && chosen[i] != chosen[i - 1] + 1) text += kLeftOut;
    text += passages[chosen[i]];
  }
  return text;
}

/// Samples [begin, end) of `set`, which share a document, behind `result`.
void add_with_passages(const EvalSet& set, std::size_t begin, std::size_t end, Retriever& retriever,
                       const PassageOptions& options, const TokenOffsets& offsets, EvalSet& result) {
  const std::string& text = set.documents.at(set.samples[begin].document).text;
  const auto passages = cut_passages(text, options.passage_tokens, offsets);
  std::vector<std::string> questions;
  for (std::size_t i = begin; i < end; ++i) questions.push_back(set.samples[i].question);
  std::vector<std::vector<std::size_t>> chosen(questions.size());
  if (!passages.empty()) chosen = retriever.index(passages)->best(questions, static_cast<std::size_t>(options.count));
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    std::sort(chosen[i].begin(), chosen[i].end());
    if (i == 0 || chosen[i] != chosen[i - 1]) result.documents.push_back({joined(passages, chosen[i]), 0});
    result.samples.push_back(set.samples[begin + i]);
    result.samples.back().document = result.documents.size() - 1;
  }
}

}  // namespace

EvalSet with_passages(const EvalSet& set, Retriever& retriever, const PassageOptions& options,
                      const TokenOffsets& offsets) {
  constexpr std::int64_t kMost = 1 << 20;
  if (options.count < 1 || options.count > kMost)
    throw_user_error("--passages ", options.count, ": expected 1 or more");
  if (options.passage_tokens < 1 || options.passage_tokens > kMost) {
    throw_user_error("--passage-tokens ", options.passage_tokens, ": expected 1 to ", kMost);
  }
  EvalSet result;
  result.notes = set.notes;
  for (std::size_t begin = 0; begin < set.samples.size();) {
    std::size_t end = begin + 1;
    while (end < set.samples.size() && set.samples[end].document == set.samples[begin].document) ++end;
    add_with_passages(set, begin, end, retriever, options, offsets, result);
    begin = end;
  }
  return result;
}

EvalSet without_documents(const EvalSet& set) {
  EvalSet result{{EvalDocument{}}, set.samples, set.notes};
  for (EvalSample& sample : result.samples) sample.document = 0;
  return result;
}

}  // namespace tome::eval
