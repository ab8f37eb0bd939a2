// Character classes as Hugging Face's pre-tokenizers see them.
#pragma once

#include <cstddef>

namespace tome {

enum class CharClass : unsigned char {
  kOther,
  kLetter,     // \p{L}
  kNumber,     // \p{N}
  kNewNumber,  // numeric to Rust's char::is_numeric (a newer Unicode), not \p{N} to Oniguruma
  kSpace,      // \s, the White_Space property
};

struct CharRange {
  char32_t first;
  char32_t last;
  CharClass kind;
};

extern const CharRange kCharRanges[];  // sorted, disjoint; what is not in it is kOther
extern const std::size_t kCharRangeCount;

}  // namespace tome
