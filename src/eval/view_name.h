// Views, the ways to show a document to who answers, by the names of their files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tome::eval {

inline constexpr std::string_view kWholeView = "whole";
inline constexpr std::string_view kNoDocumentView = "none";

/// "bm25-3x512": the `passages` best of `passage_tokens` tokens each.
std::string retrieved_view(std::string_view retriever, std::int64_t passages, std::int64_t passage_tokens);

/// For people, behind the answerer's name: "", "no document", "BM25 3 x 512".
std::string view_label(std::string_view name);

}  // namespace tome::eval
