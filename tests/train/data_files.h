// For the tests of training data: files, sets over them, and what is promised of every example.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "formats/files.h"
#include "text/letter_tokenizer.h"
#include "train/encode_row.h"
#include "train/pack.h"
#include "train/training_set.h"

namespace tome {

inline DataRow row_of(std::string_view line) { return parse_row(line, "data.jsonl:1"); }

/// A layout of few letters: <bos>[story]Q:why?A: so\n
inline Layout short_layout() {
  Layout layout;
  layout.name = "short";
  layout.before_document = "[";
  layout.after_document = "]";
  layout.before_question = "Q:";
  layout.after_question = "A:";
  layout.stops = {"\n"};
  return layout;
}

inline EncodedRow encode(const DataRow& row, std::int64_t window, const Layout& layout = short_layout(),
                         const LetterTokenizer& tokenizer = LetterTokenizer(), TrainOn train_on = TrainOn::kAnswers) {
  return encode_row(row, "data.jsonl:1", tokenizer, layout, {window, train_on});
}

/// The targets as text, "." for none: what each row is to predict.
inline std::string spell_targets(const EncodedExample& example, const LetterTokenizer& tokenizer = LetterTokenizer()) {
  std::string text;
  for (const TokenId id : example.targets) text += id == kNoTarget ? "." : tokenizer.spell({id});
  return text;
}

/// The rows that `row` sees, by their ids.
inline std::string spell_visible(const TrainingExample& pass, std::size_t row,
                                 const LetterTokenizer& tokenizer = LetterTokenizer()) {
  const ops::KeyRange& range = pass.visible[row];
  std::vector<TokenId> seen;
  for (std::int64_t key = range.begin; key < range.end; ++key) {
    if (key < range.gap_begin || key >= range.gap_end) seen.push_back(pass.ids[static_cast<std::size_t>(key)]);
  }
  return tokenizer.spell(seen);
}

/// What holds for every pass: each row sees itself and nothing later, ranges lie inside, positions do not repeat among
/// what a row sees, and targets are the next id of what the row is part of.
inline void expect_sound(const TrainingExample& pass) {
  const std::size_t rows = pass.ids.size();
  ASSERT_EQ(pass.targets.size(), rows);
  ASSERT_EQ(pass.positions.size(), rows);
  ASSERT_EQ(pass.visible.size(), rows);
  for (std::size_t i = 0; i < rows; ++i) {
    const ops::KeyRange& range = pass.visible[i];
    ASSERT_EQ(range.end, static_cast<std::int64_t>(i) + 1);
    ASSERT_GE(range.begin, 0);
    ASSERT_LT(range.begin, range.end);
    if (range.has_gap()) {
      ASSERT_GT(range.gap_begin, range.begin);
      ASSERT_LT(range.gap_end, range.end);
    } else {
      ASSERT_EQ(range.gap_begin, 0);
      ASSERT_EQ(range.gap_end, 0);
    }
    std::int64_t last = -1;
    for (std::int64_t key = range.begin; key < range.end; ++key) {
      if (key >= range.gap_begin && key < range.gap_end) continue;
      const std::int64_t position = pass.positions[static_cast<std::size_t>(key)];
      ASSERT_GT(position, last);
      last = position;
    }
    if (pass.targets[i] == kNoTarget) continue;
    ASSERT_LT(i + 1, rows);
    ASSERT_EQ(pass.targets[i], pass.ids[i + 1]);
    ASSERT_GE(static_cast<std::int64_t>(i), pass.visible[i + 1].begin);  // the next row sees this one
    ASSERT_FALSE(static_cast<std::int64_t>(i) >= pass.visible[i + 1].gap_begin &&
                 static_cast<std::int64_t>(i) < pass.visible[i + 1].gap_end);
  }
}

inline TrainingExample pass_of(const EncodedExample& example) {
  return pack_examples(std::vector<EncodedExample>{example});
}

}  // namespace tome
