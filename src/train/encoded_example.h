// Token ids of one example, before it is placed in a pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "text/tokenizer.h"
#include "train/example.h"

namespace tome {

/// A document with its questions, a conversation, or a stretch of text: T tokens.
struct EncodedExample {
  std::string name;                     // "qa.jsonl:17"
  std::vector<TokenId> ids;             // [T]
  std::vector<std::int32_t> targets;    // [T] the id that row i must predict, or kNoTarget
  std::vector<std::int64_t> positions;  // [T] from 0
  /// Rows at which the questions of one document begin, ascending: each sees the rows before the first of them (the
  /// document) and itself. Empty: every row sees all rows before it.
  std::vector<std::size_t> branches;
};

/// Puts an example together, part by part.
class ExampleBuilder {
 public:
  explicit ExampleBuilder(std::string name) { example_.name = std::move(name); }

  /// `wanted`: these ids are to be predicted.
  void append(const std::vector<TokenId>& ids, bool wanted) {
    example_.ids.insert(example_.ids.end(), ids.begin(), ids.end());
    wanted_.insert(wanted_.end(), ids.size(), wanted);
  }
  /// The next id begins a question of the document so far.
  void branch() { example_.branches.push_back(example_.ids.size()); }

  /// With targets and positions. The document's last row predicts a question's first id only when it has one question.
  /// Throws UserError `NAME: ...` when nothing is to be predicted.
  EncodedExample finish();

 private:
  EncodedExample example_;
  std::vector<bool> wanted_;
};

}  // namespace tome
