// A document in passages: what retrieval chooses among.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace tome::eval {

/// Where the tokens of a text begin, in bytes, in order; the last entry is the text's size (Encoded::offsets).
using TokenOffsets = std::function<std::vector<std::uint32_t>(std::string_view)>;

/// Of a tokenizer, which must outlive it.
TokenOffsets offsets_of(const Tokenizer& tokenizer);

/// Cuts `text` into passages that follow each other without a gap. None has more than `passage_tokens` >= 1 tokens of
/// the whole text's (a character is not cut for it), and all but the last have at least half as many where the text has
/// a place to cut: behind the end of a sentence or line, else behind a word, else between characters.
std::vector<std::string_view> cut_passages(std::string_view text, std::int64_t passage_tokens,
                                           const TokenOffsets& offsets);

}  // namespace tome::eval
