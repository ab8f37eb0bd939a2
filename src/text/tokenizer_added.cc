#include "text/tokenizer_added.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace tome {

void AddedTokens::add(std::string_view text, TokenId id, bool plain) {
  tokens_.push_back({std::string(text), id, plain});
  only_plain_ = only_plain_ && plain;
}

void AddedTokens::finish(const std::string& where) {
  if (only_plain_) tokens_.clear();
  std::sort(tokens_.begin(), tokens_.end(), [](const Token& a, const Token& b) { return a.text < b.text; });
  for (const Token& token : tokens_) {
    if (token.text.empty() || token.text.size() > kMaxBytes) {
      throw_user_error(where, ": added token ", token.id, " has ", token.text.size(), " bytes, expected 1 to ",
                       kMaxBytes);
    }
    ++by_first_[static_cast<unsigned char>(token.text[0]) + 1u];
    const auto id = static_cast<std::uint64_t>(token.id);
    hash_ = XXH3_64bits_withSeed(token.text.data(), token.text.size(), hash_ ^ (2 * id + (token.plain ? 1 : 0)));
  }
  for (std::size_t b = 0; b < 256; ++b) by_first_[b + 1] += by_first_[b];
}

const AddedTokens::Token* AddedTokens::longest(std::string_view text) const {
  const auto first = static_cast<unsigned char>(text[0]);
  std::size_t low = by_first_[first];
  std::size_t high = by_first_[first + 1u];
  const Token* found = nullptr;
  for (std::size_t depth = 1; low < high;
       ++depth) {  // tokens_[low, high) share their first `depth` bytes with the text
    if (tokens_[low].text.size() == depth) found = &tokens_[low++];
    if (depth == text.size()) break;
    const auto byte = static_cast<unsigned char>(text[depth]);
    const auto at_depth = [depth](const Token& token) { return static_cast<unsigned char>(token.text[depth]); };
    const auto begin = tokens_.begin() + static_cast<std::ptrdiff_t>(low);
    const auto end = tokens_.begin() + static_cast<std::ptrdiff_t>(high);
    const auto from = std::partition_point(begin, end, [&](const Token& t) { return at_depth(t) < byte; });
    const auto to = std::partition_point(from, end, [&](const Token& t) { return at_depth(t) == byte; });
    low = static_cast<std::size_t>(from - tokens_.begin());
    high = static_cast<std::size_t>(to - tokens_.begin());
  }
  return found;
}

AddedTokens::Match AddedTokens::next(std::string_view text, std::size_t from) const {
  if (tokens_.empty()) return {text.size(), text.size(), -1};
  for (std::size_t at = from; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at]);
    const Token* token = by_first_[first] == by_first_[first + 1u] ? nullptr : longest(text.substr(at));
    if (token != nullptr && !token->plain) return {at, at + token->text.size(), token->id};
    at += token != nullptr ? token->text.size() : 1;
  }
  return {text.size(), text.size(), -1};
}

}  // namespace tome
