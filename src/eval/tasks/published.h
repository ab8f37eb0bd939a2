// What the tasks over published data sets share: parts chosen by the user, rows chosen by the seed, texts held once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "eval/task.h"

namespace tome::eval {

/// Of each part, when --samples says nothing: published sets are large, and so are their texts.
constexpr std::int64_t kPublishedSamples = 50;

/// Of `names`, those of --set TASK.parts=A,B, in that order; all of them without it. Throws UserError for an unknown
/// one.
std::vector<std::string> chosen_parts(const TaskRequest& request, std::string_view task,
                                      const std::vector<std::string>& names);

/// Indices of the rows to ask, ascending: the first request.samples of an order that the seed and `part` decide, so
/// that a larger number keeps the smaller one's rows. Writes how many of how many into set.notes.
std::vector<std::size_t> chosen_rows(const TaskRequest& request, std::string_view part, std::size_t rows, EvalSet& set);

/// Holds each text once, however many questions are asked to it.
class DocumentPool {
 public:
  /// The index of `text` in set.documents, where it is put if it is new.
  std::size_t index(EvalSet& set, std::string text);

 private:
  std::unordered_multimap<std::uint64_t, std::size_t> by_hash_;
};

/// Those of one document behind each other, else in the order they have.
void group_by_document(EvalSet& set);

/// `folder`/NAME, or the same below one of its folders `below`; empty: neither is there.
std::filesystem::path published_file(const std::filesystem::path& folder, const std::string& name,
                                     const std::vector<std::string>& below);

}  // namespace tome::eval
