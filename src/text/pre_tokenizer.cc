#include "text/pre_tokenizer.h"

#include <algorithm>
#include <array>
#include <span>

#include "text/utf8.h"

namespace tome {
namespace {

CharClass search_class(char32_t code) {
  const std::span<const CharRange> ranges(kCharRanges, kCharRangeCount);
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), code,
                                      [](char32_t c, const CharRange& range) { return c < range.first; });
  if (after == ranges.begin()) return CharClass::kOther;
  const CharRange& range = *(after - 1);
  return code <= range.last ? range.kind : CharClass::kOther;
}

/// One character of the text, or its end (bytes == 0).
struct Seen {
  CharClass kind = CharClass::kOther;
  unsigned char first = 0;
  std::size_t bytes = 0;

  bool end() const { return bytes == 0; }
  bool letter() const { return !end() && kind == CharClass::kLetter; }
  bool number() const { return !end() && kind == CharClass::kNumber; }
  bool space() const { return !end() && kind == CharClass::kSpace; }
  bool newline() const { return !end() && (first == '\n' || first == '\r'); }
  /// [^\s\p{L}\p{N}]
  bool other() const { return !end() && (kind == CharClass::kOther || kind == CharClass::kNewNumber); }
  bool numeric() const { return !end() && (kind == CharClass::kNumber || kind == CharClass::kNewNumber); }
};

class Scanner {
 public:
  /// With `numbers_end`, a numeric character is as the end of the text.
  Scanner(std::string_view text, bool numbers_end) : text_(text), numbers_end_(numbers_end) {}

  Seen look(std::size_t at) const {
    static const std::array<CharClass, 128> ascii = [] {
      std::array<CharClass, 128> table{};
      for (char32_t c = 0; c < 128; ++c) table[c] = search_class(c);
      return table;
    }();
    if (at == text_.size()) return {};
    const auto first = static_cast<unsigned char>(text_[at]);
    Seen seen;
    if (first < 0x80) {
      seen = {ascii[first], first, 1};
    } else {
      const Utf8Char c = read_utf8(text_, at);
      seen = {search_class(c.code), first, c.bytes};
    }
    return numbers_end_ && seen.numeric() ? Seen{} : seen;
  }

  /// The end of the run of characters from `at` on that are `wanted`, of at most `limit` characters.
  template <typename Wanted>
  std::size_t run(std::size_t at, Wanted wanted, std::size_t limit = SIZE_MAX) const {
    for (; limit > 0; --limit) {
      const Seen seen = look(at);
      if (seen.end() || !wanted(seen)) break;
      at += seen.bytes;
    }
    return at;
  }

  std::size_t letters(std::size_t at) const {
    return run(at, [](const Seen& s) { return s.letter(); });
  }
  std::size_t numbers(std::size_t at, std::size_t limit = SIZE_MAX) const {
    return run(
        at, [](const Seen& s) { return s.number(); }, limit);
  }
  std::size_t others(std::size_t at) const {
    return run(at, [](const Seen& s) { return s.other(); });
  }
  std::size_t newlines(std::size_t at) const {
    return run(at, [](const Seen& s) { return s.newline(); });
  }

  /// The end of 's|'t|'re|'ve|'m|'ll|'d at `at`, or `at`. Folded: in any case (the long s folds to s).
  std::size_t contraction(std::size_t at, bool folded) const {
    if (text_[at] != '\'') return at;
    const std::string_view rest = text_.substr(at + 1, 2);
    if (folded && rest == "\u017F") return at + 3;
    char low[2] = {0, 0};
    for (std::size_t i = 0; i < rest.size(); ++i) {
      low[i] = folded && rest[i] >= 'A' && rest[i] <= 'Z' ? static_cast<char>(rest[i] - 'A' + 'a') : rest[i];
    }
    if (low[0] == 's' || low[0] == 't' || low[0] == 'm' || low[0] == 'd') return at + 2;
    if ((low[0] == 'r' && low[1] == 'e') || (low[0] == 'v' && low[1] == 'e') || (low[0] == 'l' && low[1] == 'l')) {
      return at + 3;
    }
    return at;
  }

  /// \s+(?!\S)|\s+ and, with `lines`, \s*[\r\n]+ before them. `at` is a space.
  std::size_t spaces(std::size_t at, bool lines) const {
    std::size_t last = at;  // the beginning of the run's last character
    std::size_t line_end = at;
    std::size_t to = at;
    for (Seen seen = look(to); seen.space(); seen = look(to)) {
      last = to;
      to += seen.bytes;
      if (seen.newline()) line_end = to;
    }
    if (lines && line_end > at) return line_end;
    return look(to).end() || last == at ? to : last;
  }

 private:
  std::string_view text_;
  bool numbers_end_;
};

std::size_t gpt2_word(const Scanner& scan, std::string_view text, std::size_t at) {
  if (const std::size_t end = scan.contraction(at, false); end > at) return end;
  const std::size_t body = text[at] == ' ' ? at + 1 : at;
  const Seen seen = scan.look(body);
  if (seen.letter()) return scan.letters(body);
  if (seen.number()) return scan.numbers(body);
  if (seen.other()) return scan.others(body);
  return scan.spaces(at, false);
}

std::size_t llama3_word(const Scanner& scan, std::string_view text, std::size_t at) {
  if (const std::size_t end = scan.contraction(at, true); end > at) return end;
  const Seen first = scan.look(at);
  if (first.letter()) return scan.letters(at);
  if (first.number()) return scan.numbers(at, 3);
  if (!first.newline() && scan.look(at + first.bytes).letter()) return scan.letters(at + first.bytes);
  const std::size_t body = text[at] == ' ' ? at + 1 : at;
  if (scan.look(body).other()) return scan.newlines(scan.others(body));
  return scan.spaces(at, true);
}

}  // namespace

CharClass char_class(char32_t code) { return search_class(code); }

std::optional<PreTokenizer> pre_tokenizer_by_name(std::string_view name) {
  if (name == "gpt-2") return PreTokenizer::kGpt2;
  if (name == "llama-bpe") return PreTokenizer::kLlama3;
  if (name == "smollm") return PreTokenizer::kSmolLM;
  return std::nullopt;
}

std::size_t word_end(PreTokenizer kind, std::string_view text, std::size_t at) {
  switch (kind) {
    case PreTokenizer::kGpt2:
      return gpt2_word(Scanner(text, false), text, at);
    case PreTokenizer::kLlama3:
      return llama3_word(Scanner(text, false), text, at);
    case PreTokenizer::kSmolLM:
      if (const Seen seen = Scanner(text, false).look(at); seen.numeric()) return at + seen.bytes;
      return gpt2_word(Scanner(text, true), text, at);
    case PreTokenizer::kNone:
      break;
  }
  return text.size();
}

}  // namespace tome
