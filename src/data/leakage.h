// Whether training rows hold what an evaluation asks: its questions, its documents, their names. Only hashes are kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/threads.h"
#include "data/row_reader.h"

namespace tome::data {

/// The runs of words that count as the same text: 13, as in the contamination study of GPT-3 (Brown et al. 2020).
inline constexpr std::size_t kLeakWords = 13;

struct DocumentOverlap {
  double of_training = 0;    // share of the training document's runs that stand in the evaluation's one
  double of_evaluation = 0;  // share of the evaluation document's runs that stand in the training's one
  RowPlace place;            // of the evaluation row
};

class EvaluationIndex {
 public:
  /// Reads the evaluation's rows (parse_evaluation_row). Documents' runs are kept all up to 8 million, beyond that
  /// every second, fourth, ... by their hash, which leaves shares as they are on average. Throws UserError when no line
  /// has a shape.
  EvaluationIndex(std::vector<std::filesystem::path> files, Threads& threads);

  const std::vector<std::filesystem::path>& files() const { return files_; }
  std::int64_t broken() const { return broken_; }

  /// These are for any thread.
  /// The evaluation row whose question and answer share a run of 13 words with the text. A question with an answer of
  /// fewer words (four at least) must be all of the text. Null: none.
  const RowPlace* find_question(std::string_view text) const;
  /// The evaluation document that shares most with the text; false when none shares a run.
  bool find_document(std::string_view text, DocumentOverlap& overlap) const;
  const RowPlace* find_id(const std::string& id) const;

 private:
  void add(const RowRead& read, const std::vector<std::uint64_t>& questions,
           const std::vector<std::uint64_t>& document);
  void thin_out();

  std::vector<std::filesystem::path> files_;
  std::int64_t broken_ = 0, rows_ = 0;
  std::unordered_map<std::uint64_t, RowPlace> questions_, ids_;
  std::unordered_map<std::uint64_t, std::uint32_t> grams_;  // of documents: which one has it first
  std::unordered_map<std::uint64_t, std::uint32_t> known_;  // documents by the hash of all their runs
  struct Document {
    RowPlace place;
    std::uint64_t grams = 0;  // that are kept
  };
  std::vector<Document> documents_;
  std::uint64_t mask_ = 0;  // runs are kept whose hash has no bit of it
};

/// All that a row says, by what can leak into it: question with answer each, and texts without a document.
std::vector<std::string> asked_texts(const DataRow& row);

}  // namespace tome::data
