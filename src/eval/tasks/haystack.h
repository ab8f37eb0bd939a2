// Long texts of sentences in which something is hidden at a depth.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/task.h"
#include "eval/tasks/cells.h"

namespace tome::eval {

/// The sentences of a text, each with the white space after it: one blank, or an empty line at a paragraph's end. Line
/// ends inside a sentence become blanks. Abbreviations (Mr., Dr., single letters) end none.
std::vector<std::string> split_sentences(std::string_view text);

/// Plain sentences of tome's own, always the same.
const std::vector<std::string>& plain_sentences();

/// The sentences of --data haystack=PATH (a file or a folder), of TOME_DATA/books, or plain_sentences() and a note.
/// Throws UserError for a text that has hardly any sentence.
std::vector<std::string> haystack_sentences(const TaskRequest& request, std::string_view task,
                                            std::vector<std::string>& notes);

struct Needle {
  double depth = 0;  // of the haystack's tokens before it
  std::string text;  // one sentence
};

struct HaystackOrder {
  std::string intro;                   // before everything else
  std::vector<Needle> needles;         // in any order
  std::vector<std::string> forbidden;  // no sentence of the haystack holds one of these, in whatever case
  std::int64_t tokens = 0;             // of the whole, at most
  std::size_t start = 0;               // the first sentence taken; after the last one comes the first again
  char separator = ' ';                // after a needle
};

/// Intro, sentences, needles at the boundaries of sentences that are nearest to their depths, and an empty line: at
/// most the tokens wanted, and of the shortest sentence fewer. Sentences of more than 1/64 of it, or of twice the usual
/// length where that is more, are left out: boundaries are never far. Nothing: not even intro and needles fit. Throws
/// UserError when no sentence can be used.
std::optional<std::string> fill_haystack(const std::vector<std::string>& sentences, const HaystackOrder& order,
                                         const CountTokens& count_tokens);

}  // namespace tome::eval
