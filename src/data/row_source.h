// Where the rows of a training set come from, one after another.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tome::data {

struct BuiltQuestion {
  std::string question, answer;
  double depth = -1;  // where in the document the answer stands: 0 begin .. 1 end; -1: not at one place
};

struct BuiltRow {
  std::string document;
  std::vector<BuiltQuestion> questions;
  std::string source, licence, document_id;  // the last may be empty
  std::int64_t tokens = 0;                   // of the document
};

/// The row as a line of JSON, with its line end: keys always in the same order.
std::string row_line(const BuiltRow& row);

struct BuildRequest {
  std::int64_t least_tokens = 30000, most_tokens = 100000;  // of a document
  std::int64_t questions = 4;                               // of a row, at most
  double least_depth = 0, most_depth = 1;                   // of answers that are put into a text
  std::uint64_t seed = 1;
  std::filesystem::path books;  // a folder of documents; empty: none
  std::string licence;          // of the books; empty: "unknown"
  /// The user's own files, for tasks of the evaluation ("lines") and question sets ("quality").
  std::map<std::string, std::filesystem::path, std::less<>> data;
  /// "TASK.SETTING" (eval/task.h), for tasks of the evaluation.
  std::map<std::string, std::string, std::less<>> settings;
  /// By the tokenizer of the model that is to be trained, without BOS.
  std::function<std::int64_t(std::string_view)> count_tokens;
};

class RowSource {
 public:
  virtual ~RowSource() = default;
  /// The next row; nothing when there are no more. The same for the same request. Throws UserError for data that is
  /// absent or broken.
  virtual std::optional<BuiltRow> next() = 0;
  /// For people: what was left out and why.
  virtual std::vector<std::string> notes() const { return {}; }
};

/// A source by name: "order", "count", "keys", "chain" (over books), "narrativeqa", "quality", "longalpaca",
/// "longbench", "rows" (question sets, by --data NAME=PATH), else a task of the evaluation that trains. Throws
/// UserError.
std::unique_ptr<RowSource> make_source(const std::string& name, const BuildRequest& request);

}  // namespace tome::data
