#include "text/bpe_byte_level.h"

#include <utility>

#include "text/utf8.h"

namespace tome {
namespace {

/// The byte that each character of the alphabet stands for: printable Latin-1 is itself, the other 68 bytes are the
/// characters from U+0100 on, in order. -1: not in the alphabet.
std::array<std::int16_t, 0x144> make_byte_alphabet() {
  std::array<std::int16_t, 0x144> bytes;
  bytes.fill(-1);
  std::size_t next = 0x100;
  for (std::int16_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
    bytes[printable ? static_cast<std::size_t>(byte) : next++] = byte;
  }
  return bytes;
}

}  // namespace

std::string from_byte_alphabet(std::string_view spelled) {
  static const std::array<std::int16_t, 0x144> alphabet = make_byte_alphabet();
  std::string bytes;
  bytes.reserve(spelled.size());
  for (std::size_t at = 0; at < spelled.size();) {
    const Utf8Char c = read_utf8(spelled, at);
    const int byte = c.valid && c.code < alphabet.size() ? alphabet[c.code] : -1;
    if (byte < 0) return std::string(spelled);
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
    at += c.bytes;
  }
  return bytes;
}

ByteLevelTokenizer::ByteLevelTokenizer(Pieces pieces, MergeRules rules, AddedTokens added, PreTokenizer pre_tokenizer,
                                       bool whole_words)
    : BpeTokenizer(std::move(pieces), std::move(rules), std::move(added)),
      pre_tokenizer_(pre_tokenizer),
      whole_words_(whole_words) {
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(static_cast<unsigned char>(byte));
    byte_ids_[byte] = this->pieces().find_text({&c, 1});
  }
}

std::size_t ByteLevelTokenizer::end_of_word(std::string_view text, std::size_t at) const {
  return word_end(pre_tokenizer_, text, at);
}

void ByteLevelTokenizer::cut_word(std::string_view word, EncodeRun& run) const {
  if (whole_words_) {
    if (const TokenId id = pieces().find_text(word); id >= 0) {
      run.tokens.push_back({id, 0});
      return;
    }
  }
  run.symbols.clear();
  run.symbols.reserve(word.size());
  for (std::size_t i = 0; i < word.size(); ++i) {
    const TokenId id = byte_ids_[static_cast<unsigned char>(word[i])];
    if (id >= 0) run.symbols.push_back({.id = id, .begin = static_cast<std::uint32_t>(i), .bytes = 1});
  }
  merge_symbols(word, run);
}

std::uint64_t ByteLevelTokenizer::kind_hash() const {
  return 16 + 2 * static_cast<std::uint64_t>(pre_tokenizer_) + (whole_words_ ? 1 : 0);
}

}  // namespace tome
