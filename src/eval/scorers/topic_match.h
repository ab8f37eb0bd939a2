// Whether an answer names a topic: a match of normalised words.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tome::eval {

/// The words of `text`, one blank between them: ASCII capitals as small letters, apostrophes left out (women's:
/// womens), other punctuation as blanks, without the articles a, an and the.
std::string normalise_topic(std::string_view text);

/// `answer`, normalised, holds `topic`, normalised, and none of `others`. Words around it ("The first topic is ...") do
/// not matter. Where one topic is part of another ("the history of art", "the history of art in Spain"), the longer one
/// is what the answer names. False for a topic without words.
bool names_topic(std::string_view answer, std::string_view topic, std::span<const std::string> others);

}  // namespace tome::eval
