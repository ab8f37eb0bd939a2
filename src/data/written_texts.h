// The texts that questions are written about: documents, whole or in stretches.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace tome::data {

struct WrittenText {
  std::string name, text, licence;
  std::int64_t tokens = 0;
};

struct TextRange {
  std::int64_t least = 1, most = 0;  // tokens; most 0: any number
};

/// Documents and folders of them, in order. One of more than `most` tokens is cut at the ends of sentences into
/// stretches of at most so many, named "NAME:1", "NAME:2". What has fewer than `least` is left out, with a note. Throws
/// UserError when nothing is left, or for a document that cannot be read.
std::vector<WrittenText> written_texts(const std::vector<std::filesystem::path>& paths, const TextRange& range,
                                       const std::string& licence, const Tokenizer& tokenizer,
                                       std::vector<std::string>& notes);

}  // namespace tome::data
