#include "eval/answerers/passages.h"

#include <algorithm>

#include "base/error.h"

namespace tome::eval {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

/// A sentence or a line ends right before `at`, which is > 0.
bool behind_sentence(std::string_view text, std::size_t at) {
  if (text[at - 1] == '\n') return true;
  for (const std::string_view mark : {"。", "！", "？"}) {
    if (text.substr(0, at).ends_with(mark)) return true;
  }
  if (at < 2 || text[at - 1] != ' ') return false;
  std::size_t end = at - 1;
  while (end > 1 && (text[end - 1] == '"' || text[end - 1] == '\'' || text[end - 1] == ')')) --end;
  return text[end - 1] == '.' || text[end - 1] == '!' || text[end - 1] == '?';
}

/// The best place to cut in (least, most], least < most <= text.size().
std::size_t find_cut(std::string_view text, std::size_t least, std::size_t most) {
  for (std::size_t at = most; at > least; --at) {
    if (behind_sentence(text, at)) return at;
  }
  for (std::size_t at = most; at > least; --at) {
    if (is_space(text[at - 1])) return at;
  }
  std::size_t at = most;
  while (at < text.size() && !begins_character(text[at])) ++at;
  return at;
}

}  // namespace

TokenOffsets offsets_of(const Tokenizer& tokenizer) {
  return [&tokenizer](std::string_view text) { return tokenizer.encode(text).offsets; };
}

std::vector<std::string_view> cut_passages(std::string_view text, std::int64_t passage_tokens,
                                           const TokenOffsets& offsets) {
  TOME_CHECK(passage_tokens >= 1);
  if (text.empty()) return {};
  const std::vector<std::uint32_t> begins = offsets(text);
  TOME_CHECK(!begins.empty() && begins.back() == text.size());
  const auto step = static_cast<std::size_t>(passage_tokens);
  std::vector<std::string_view> passages;
  std::size_t token = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t last = begins.size() - 1;
    const std::size_t most = std::max<std::size_t>(begins[std::min(token + step, last)], begin + 1);
    std::size_t end = text.size();
    if (most < text.size())
      end = find_cut(text, std::clamp<std::size_t>(begins[token + step / 2], begin, most - 1), most);
    passages.push_back(text.substr(begin, end - begin));
    begin = end;
    while (token < last && begins[token] < begin) ++token;
  }
  return passages;
}

}  // namespace tome::eval
