// All training data of a run: every line is checked and measured before training begins, then read again when needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "text/layout.h"
#include "text/tokenizer.h"
#include "train/data_file.h"
#include "train/encode_row.h"

namespace tome {

struct DataOptions {
  EncodeOptions encode;
  bool skip_bad = false;  // leave malformed lines out
  std::uint64_t longest_line = std::uint64_t{64} << 20;
};

/// What the user should know about the data. Rows are lines or documents.
struct DataReport {
  std::int64_t rows = 0;  // used
  std::int64_t bad_rows = 0;
  std::vector<std::string> bad;  // the first of them: "qa.jsonl:17: reason"
  std::int64_t examples = 0;
  std::int64_t split_rows = 0;  // that became several examples
  std::int64_t tokens = 0, targets = 0;
  std::int64_t cut_examples = 0, cut_tokens = 0, dropped_exchanges = 0, long_answers = 0;  // as in EncodedRow
  std::vector<std::string> warnings;                                                       // about documents
};

/// Keeps places and sizes (some 60 bytes a line), never texts or tokens. Borrows tokenizer and layout.
class TrainingSet {
 public:
  /// `paths`: JSONL files (.jsonl, .ndjson, .json, or any file that begins with "{"), documents, and folders of both; a
  /// folder's unreadable documents are named in the warnings. Throws UserError when a line is malformed or cannot
  /// become an example (unless skip_bad), naming the first of them, and when nothing is left.
  TrainingSet(const std::vector<std::filesystem::path>& paths, const Tokenizer& tokenizer, const Layout& layout,
              const DataOptions& options);

  std::size_t size() const { return examples_.size(); }
  std::size_t rows() const { return rows_.size(); }
  const DataReport& report() const { return report_; }
  /// Of all rows in their order: another one means other data.
  std::uint64_t fingerprint() const { return fingerprint_; }

  std::int64_t tokens(std::size_t example) const { return examples_[example].tokens; }
  std::int64_t targets(std::size_t example) const { return examples_[example].targets; }
  std::size_t row_of(std::size_t example) const { return examples_[example].row; }

  /// Reads and encodes it; safe from several threads. Throws UserError when the file has changed since.
  EncodedExample example(std::size_t index) const { return example(index, options_.encode.train_on); }
  EncodedExample example(std::size_t index, TrainOn train_on) const;
  /// The row that it is of, with the same promises.
  DataRow row(std::size_t index) const;

 private:
  struct Source {
    std::filesystem::path path;
    bool lines = false;  // else a document
    bool from_folder = false;
  };
  struct Row {
    std::uint32_t source = 0;
    LinePlace place;  // of a line
    std::uint64_t hash = 0;
  };
  struct Example {
    std::uint32_t row = 0, part = 0;
    std::uint32_t tokens = 0, targets = 0;
  };

  void add_sources(const std::filesystem::path& path);
  void scan_lines(std::uint32_t source);
  void scan_document(std::uint32_t source);
  void add(const DataRow& row, const Row& place);
  void refuse(const std::string& reason);
  std::string name_of(const Row& row) const;

  const Tokenizer& tokenizer_;
  const Layout& layout_;
  DataOptions options_;
  std::vector<Source> sources_;
  std::vector<Row> rows_;
  std::vector<Example> examples_;
  DataReport report_;
  std::uint64_t fingerprint_ = 0;
};

}  // namespace tome
