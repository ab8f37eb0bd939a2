// The texts that scorers compare: stripped, split and normalised as Python's str does it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tome::eval {

using Words = std::vector<std::string>;

/// As str.strip and str.split without arguments: white space of Unicode.
std::string_view strip(std::string_view text);
Words split_words(std::string_view text);
/// As str.split(mark): empty pieces are kept.
std::vector<std::string_view> split_at(std::string_view text, char mark);
/// What follows the line ends that the text begins with, up to its next one.
std::string_view first_line(std::string_view text);

std::string replace_all(std::string_view text, std::string_view from, std::string_view to);
/// Each of these characters (ASCII) becomes a space.
std::string blank(std::string_view text, std::string_view characters);
std::u32string characters(std::string_view text);

/// Maximal runs of decimal digits of any script, as re.findall(r"\d+").
std::vector<std::string_view> digit_runs(std::string_view text);

/// SQuAD 1.1's evaluation: lower case, no ASCII punctuation, "a", "an" and "the" left out, single spaces.
std::string normalize_answer(std::string_view text);
/// Lower case, no ASCII punctuation, articles kept: words for ROUGE.
Words plain_words(std::string_view text);
/// LongBench's normalize_zh_answer: lower case; ASCII and its list of Chinese punctuation and white space left out.
std::string normalize_chinese(std::string_view text);

}  // namespace tome::eval
