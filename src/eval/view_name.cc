#include "eval/view_name.h"

#include "base/error.h"

namespace tome::eval {

std::string retrieved_view(std::string_view retriever, std::int64_t passages, std::int64_t passage_tokens) {
  return cat(retriever, '-', passages, 'x', passage_tokens);
}

std::string view_label(std::string_view name) {
  if (name == kWholeView) return "";
  if (name == kNoDocumentView) return "no document";
  std::string label(name);
  const std::size_t dash = label.find('-');
  if (dash == std::string::npos) return label;
  const std::size_t times = label.find('x', dash);
  if (times != std::string::npos) label.replace(times, 1, " x ");
  label.replace(dash, 1, " ");
  return label.starts_with("bm25") ? label.replace(0, 4, "BM25") : label;
}

}  // namespace tome::eval
