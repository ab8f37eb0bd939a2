// Rows that are equal or almost equal to an earlier one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/threads.h"
#include "data/minhash.h"
#include "data/row_reader.h"

namespace tome::data {

/// A row's hashes: for any thread.
struct RowHashes {
  std::uint64_t row = 0;                  // of all that it says
  std::uint64_t document = 0;             // of the document, text or conversation
  std::vector<std::uint32_t> text_bands;  // of the same; empty: seen already
  std::vector<std::vector<std::uint32_t>>
      questions;  // bands of each question with its answer, with the document's hash
};

class NearDuplicates {
 public:
  explicit NearDuplicates(double similarity) : similarity_(similarity), texts_(banding()), questions_(banding()) {}

  RowHashes hashes(const DataRow& row) const;

  /// In the files' order. Returns the earlier place when the row was there already, which then is all about it.
  const RowPlace* add(const RowPlace& place, const RowHashes& hashes);

  struct Pair {
    RowPlace later, earlier;
    int later_question = -1, earlier_question = -1;  // -1: the whole text
    double similarity = 0;
  };
  /// Reads the candidates again. Each later text or question is reported once, with the earliest that it is like.
  std::vector<Pair> find(const std::vector<std::filesystem::path>& files, Threads& threads);

 private:
  struct Item {
    std::uint32_t place = 0;
    std::int32_t question = -1;
  };
  Banding banding() const { return banding_for(similarity_); }
  void find_in(BandTable& table, const std::vector<Item>& items, const std::vector<std::filesystem::path>& files,
               Threads& threads, std::vector<Pair>& pairs) const;

  double similarity_;
  BandTable texts_, questions_;
  std::vector<RowPlace> places_;
  std::vector<Item> text_items_, question_items_;
  std::unordered_map<std::uint64_t, std::uint32_t> rows_;
  std::unordered_set<std::uint64_t> documents_;
};

}  // namespace tome::data
