// The same questions with a few passages of their document instead of the whole, or with nothing: what long input is
// compared with.
#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "eval/answerers/passages.h"
#include "eval/sample.h"

namespace tome::eval {

/// The passages of one document, ready to be asked.
class PassageIndex {
 public:
  virtual ~PassageIndex() = default;
  /// For each question the indices of the min(count, passages) best passages, the best one first; of equally good ones
  /// the earlier.
  virtual std::vector<std::vector<std::size_t>> best(const std::vector<std::string>& questions, std::size_t count) = 0;
};

class Retriever {
 public:
  virtual ~Retriever() = default;
  /// The texts are borrowed for the index' life.
  virtual std::unique_ptr<PassageIndex> index(const std::vector<std::string_view>& passages) = 0;
  /// What decides its choices, for results.json.
  virtual nlohmann::json description() const = 0;
};

struct PassageOptions {
  std::int64_t count = 3;             // passages for a question
  std::int64_t passage_tokens = 512;  // the most that one has
};

/// The same samples in the same order. Each one's document becomes the passages that its question finds, in the order
/// of the text, with a line of dots where something between them is left out; neighbours that find the same share it.
/// Throws what the retriever throws, and UserError for options out of range.
EvalSet with_passages(const EvalSet& set, Retriever& retriever, const PassageOptions& options,
                      const TokenOffsets& offsets);

/// The same samples in the same order, all of one empty document.
EvalSet without_documents(const EvalSet& set);

}  // namespace tome::eval
