// Retrieval by words: Okapi BM25 over the passages, by SQLite's FTS5 in memory.
#pragma once

#include <memory>

#include "eval/answerers/retrieval.h"

struct sqlite3;

namespace tome::eval {

/// Words are compared without case and accents, by their English stems; a Chinese or Japanese character is a word.
/// Every word of a question counts: BM25 itself gives next to nothing for those that most passages have. Passages
/// without any of them follow in the order of the text.
class Bm25Index : public PassageIndex {
 public:
  explicit Bm25Index(const std::vector<std::string_view>& passages);

  std::vector<std::vector<std::size_t>> best(const std::vector<std::string>& questions, std::size_t count) override;

 private:
  std::vector<std::size_t> best_for(const std::string& question, std::size_t count);

  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::unique_ptr<sqlite3, Close> database_;
  std::size_t passages_;
};

class Bm25Retriever : public Retriever {
 public:
  std::unique_ptr<PassageIndex> index(const std::vector<std::string_view>& passages) override;
  nlohmann::json description() const override;
};

}  // namespace tome::eval
