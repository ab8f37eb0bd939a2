#include "eval/view_name.h"

#include "base/error.h"

namespace tome::eval {

std::string retrieved_view(std::string_view retriever, std::int64_t passages, std::int64_t passage_tokens) {
  return cat(retriever, '-', passages, 'x', passage_tokens);
}

std::string view_label(std::string_view name) {
  if (name == kWholeView) return "";
  if (name == kNoDocumentView) return "no document";
  const std::size_t dash = name.find('-'), times = name.find('x', dash);
  if (dash == std::string_view::npos || times == std::string_view::npos) return std::string(name);
  const std::string_view retriever = name.substr(0, dash);
  return cat(retriever == "bm25" ? "BM25" : retriever, " ", name.substr(dash + 1, times - dash - 1), " x ",
             name.substr(times + 1));
}

}  // namespace tome::eval
