// What is asked about a stretch of a book: facts that are put into it, sentences and names that it has.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/books.h"
#include "data/row_source.h"
#include "eval/choices.h"

namespace tome::data {

/// Different keys of the share that is trained on: "amber-falcon".
std::vector<std::string> fact_names(std::size_t count, eval::Choices& choices);

/// A sentence to be put at a depth of the text.
struct Fact {
  std::string sentence;
  double depth = 0;
};

/// The text with each fact as a paragraph of its own, as near to its depth (in bytes) as paragraphs allow; depths
/// become those at which the facts stand.
std::string with_facts(const std::vector<std::string>& paragraphs, std::vector<Fact>& facts);

/// Sentences of 40 to 200 bytes that the text has once, one out of each of `count` equal parts, in order. Fewer when
/// the text has too few.
std::vector<std::string> sentences_of_parts(const std::vector<std::string>& paragraphs, std::size_t count,
                                            eval::Choices& choices);

/// Capitalised words of four letters and more that the text never has in lower case, with how often it has them as
/// whole words, if 3 to 30 times; by the alphabet.
std::vector<std::pair<std::string, std::int64_t>> counted_names(std::string_view text);

}  // namespace tome::data
