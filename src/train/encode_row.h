// From a line of training data to examples that fit the window.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "text/layout.h"
#include "text/tokenizer.h"
#include "train/data_row.h"
#include "train/encoded_example.h"

namespace tome {

enum class TrainOn {
  kAnswers,  // answers with what ends them; of plain text, everything
  kAll,
};
/// "answers" or "all". Throws UserError naming the flag.
TrainOn parse_train_on(const std::string& name);

struct EncodeOptions {
  std::int64_t window = 0;  // tokens of an example at most; at least 2
  TrainOn train_on = TrainOn::kAnswers;
};

struct EncodedRow {
  std::vector<EncodedExample> examples;
  std::int64_t cut_examples = 0;       // that lost tokens to the window
  std::int64_t cut_tokens = 0;         // of documents, or of messages and dropped exchanges
  std::int64_t dropped_exchanges = 0;  // of a conversation
  std::int64_t long_answers = 0;       // of several lines, in a layout that ends an answer at its first line end
};

/// What fits the window is left as it is. Else:
/// - Questions of one document are spread over several examples when that keeps the document whole. A document that is
///   too long even for its longest question loses a stretch of its middle; then its examples give questions up to half
///   the window. Questions and answers are never cut.
/// - A conversation's longest messages (not the assistant's) lose their middles, down to a common length of at least 64
///   tokens; where that is not enough the oldest exchanges are dropped.
/// - A text becomes consecutive windows, each with BOS where the model has one, else with the last token of the window
///   before, so that every token is predicted once.
/// Throws UserError `NAME: ...` when a question with its answer does not fit, or nothing is to be predicted.
EncodedRow encode_row(const DataRow& row, const std::string& name, const Tokenizer& tokenizer, const Layout& layout,
                      const EncodeOptions& options);

}  // namespace tome
