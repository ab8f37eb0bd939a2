// What an evaluation asks: documents, and questions to them with the answers that count as right.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace tome::eval {

/// A text that questions are asked to. Each is read once, however many the questions.
struct EvalDocument {
  std::string text;             // UTF-8; empty: the questions stand alone
  std::int64_t cut_tokens = 0;  // of its middle, left out by --too-long cut
};

/// A worked example, put between document and question with --shots N.
struct Shot {
  std::string question, answer;
};

/// One question to one document. Every answerer gets the same samples.
struct EvalSample {
  std::string id;                    // unique in a run, the same for the same seed: "lines-4096-d50-7"
  std::string task;                  // "lines", "ruler/niah-single-1"
  std::int64_t length = 0;           // tokens that were asked for; 0: the data set's own
  double depth = -1;                 // where the answer stands: 0 begin .. 1 end; -1: not at one place
  std::size_t document = 0;          // index in EvalSet::documents
  std::string question;              // as it follows the document
  std::string answer_prefix;         // the answer's first words, given to the model (RULER); may be empty
  std::vector<std::string> answers;  // accepted ones, the preferred one first; never empty
  std::vector<Shot> shots;           // on the same document or on none
  std::int64_t answer_tokens = 32;   // room for the answer: its greatest length
  bool one_line = true;              // an answer ends at its first line end
  nlohmann::json details;            // what the scorer needs besides ("choices", "language"); null: nothing
};

struct EvalSet {
  std::vector<EvalDocument> documents;
  std::vector<EvalSample> samples;  // those of one document follow each other
  std::vector<std::string> notes;   // for people: data that was absent, samples left out and why
};

}  // namespace tome::eval
