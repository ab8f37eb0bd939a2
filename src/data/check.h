// What is wrong with a training set: broken rows, answers that are not whole, duplicates, leaked evaluations, licences.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/threads.h"

namespace tome::data {

enum class Fault {
  kBroken,         // a line that training refuses
  kEmptyAnswer,    // an answer of nothing, for which training refuses the line
  kCutAnswer,      // see cut_reason; and long answers (30 words) that end no sentence where 9 of 10 in their file do
  kAbsentAnswer,   // does not stand in its document though the row is extractive
  kDuplicate,      // the same row as an earlier one
  kNearDuplicate,  // a document, text or conversation almost as an earlier one, or a question of the same document
  kLeakedQuestion,
  kLeakedDocument,
  kLeakedId,
  kNoLicence,
  kUnknownLicence,
};
inline constexpr std::size_t kFaults = 11;
/// "broken", "empty-answer", ...
const char* to_string(Fault fault);
/// Throws UserError listing the names.
Fault parse_fault(const std::string& name);

struct Finding {
  Fault fault = Fault::kBroken;
  std::string place;   // "qa.jsonl:17"
  std::string detail;  // "answer 2: ends in \",\""
};

struct CheckOptions {
  bool extractive = false;  // all rows are
  double similarity = 0.8;  // least Jaccard similarity of near duplicates' runs of five words; in (0, 1]
  double overlap = 0.1;     // least share of a document's runs of 13 words that the evaluation's document has
  std::set<Fault> ignored;
  std::vector<std::filesystem::path> against;  // the evaluation's files
};

struct CheckResult {
  std::int64_t rows = 0;
  std::array<std::int64_t, kFaults> counts{};
  /// By file and line within each fault; the first 10,000 of each.
  std::vector<Finding> findings;
  std::vector<std::string> notes;  // lines of the evaluation that could not be compared
  bool clean() const;
};

/// Reads the files once, and candidates for near duplicates again. Memory: hashes, some 200 bytes a row and a different
/// question. `progress` gets the bytes of lines done.
CheckResult check_rows(const std::vector<std::filesystem::path>& files, Threads& threads, const CheckOptions& options,
                       const std::function<void(std::uint64_t)>& progress = {});

}  // namespace tome::data
