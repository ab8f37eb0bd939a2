// What a training set is made of: shapes, lengths, where answers stand, where the texts are from.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/threads.h"
#include "data/lengths.h"
#include "text/tokenizer.h"
#include "train/data_row.h"

namespace tome::data {

struct TextLengths {
  Lengths bytes;       // of UTF-8
  Lengths characters;  // code points
  Lengths words;       // between white space (ASCII's)
  Lengths tokens;      // of the texts alone; empty without a tokenizer
};

/// How often each value of a field appears; at most 1,000 different ones, the rest together.
struct FieldValues {
  std::map<std::string, std::int64_t> counts;
  std::int64_t none = 0;    // rows without it
  std::int64_t others = 0;  // rows with a value beyond the first 1,000
};

struct Stats {
  std::int64_t files = 0, bytes = 0;
  std::int64_t rows = 0;  // that have a shape
  std::int64_t broken = 0;
  std::vector<std::string> first_broken;  // "qa.jsonl:17: reason", five at most
  std::array<std::int64_t, kDataShapes> shapes{};
  TextLengths documents;  // documents, plain texts and system messages
  TextLengths questions, answers;
  Lengths questions_of_document;         // of each different document
  std::array<std::int64_t, 10> depth{};  // answers by where they first stand in their document, begin .. end
  std::int64_t absent = 0;               // answers to questions about a document that do not stand in it
  std::int64_t all_bytes = 0, target_bytes = 0;
  std::int64_t all_tokens = 0, target_tokens = 0;  // 0 without a tokenizer
  FieldValues sources, licences;
};

/// Reads JSONL files once. `tokenizer` may be null. `progress` gets the bytes of lines done. Memory: some MiB a thread
/// and 16 bytes a row about a document.
Stats count_rows(const std::vector<std::filesystem::path>& files, Threads& threads, const Tokenizer* tokenizer,
                 const std::function<void(std::uint64_t)>& progress = {});

}  // namespace tome::data
