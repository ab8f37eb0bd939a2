// Added tokens: pieces that are found in the text before anything else is done to it, as Hugging Face does.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace tome {

class AddedTokens {
 public:
  static constexpr std::size_t kMaxBytes = 1024;  // bounds the time per byte of text

  /// `plain`: a control token. It is looked for as the others are, but left as plain text where it is found
  /// (split_special_tokens=True); what overlaps it is then not looked for.
  void add(std::string_view text, TokenId id, bool plain);
  /// After the last add(). Throws UserError, beginning with `where`, for an empty or too long token.
  void finish(const std::string& where);

  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;
    TokenId id = -1;  // -1: no match, begin and end are the text's size
  };
  /// The first match at or after `from`: leftmost, then longest.
  Match next(std::string_view text, std::size_t from) const;

  bool empty() const { return tokens_.empty(); }
  std::uint64_t hash() const { return hash_; }

 private:
  struct Token {
    std::string text;
    TokenId id;
    bool plain;
  };
  const Token* longest(std::string_view text) const;

  std::vector<Token> tokens_;                  // sorted by text
  std::array<std::uint32_t, 257> by_first_{};  // tokens_ that begin with byte b: [by_first_[b], by_first_[b + 1])
  bool only_plain_ = true;
  std::uint64_t hash_ = 0;
};

}  // namespace tome
