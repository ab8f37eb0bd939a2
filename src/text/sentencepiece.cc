#include "text/sentencepiece.h"

#include <algorithm>
#include <utility>

#include "text/utf8.h"

namespace tome {
namespace {

constexpr std::string_view kSpaceMark = "\u2581";

}  // namespace

std::string spaces_of_piece(std::string_view spelled) {
  std::string text;
  text.reserve(spelled.size());
  for (std::size_t at = 0; at < spelled.size();) {
    const std::size_t mark = std::min(spelled.find(kSpaceMark, at), spelled.size());
    text += spelled.substr(at, mark - at);
    if (mark < spelled.size()) text += ' ';
    at = mark + kSpaceMark.size();
  }
  return text;
}

SentencePieceTokenizer::SentencePieceTokenizer(Pieces pieces, MergeRules rules, AddedTokens added,
                                               AddedTokens normalised_added, SentencePieceSettings settings)
    : BpeTokenizer(std::move(pieces), std::move(rules), std::move(added)),
      normalised_added_(std::move(normalised_added)),
      settings_(settings) {
  byte_ids_.fill(-1);
  for (TokenId id = 0; id < static_cast<TokenId>(this->pieces().size()); ++id) {
    if (this->pieces().type(id) == PieceType::kByte) {
      byte_ids_[static_cast<std::size_t>(Pieces::byte_value(this->pieces().text(id)))] = id;
    } else if (this->pieces().is_text(id)) {
      const std::string_view text = this->pieces().text(id);
      for (std::size_t i = text.find(' ', 1); i != std::string_view::npos; i = text.find(' ', i + 1)) {
        joins_space_[static_cast<unsigned char>(text[i - 1])] = true;
      }
    }
  }
}

bool SentencePieceTokenizer::wants_prefix(std::string_view text, const Part& part) const {
  if (part.id >= 0) return false;
  switch (settings_.prefix) {
    case SentencePieceSettings::Prefix::kNone:
      return false;
    case SentencePieceSettings::Prefix::kTextStart:
      return part.begin == 0;
    case SentencePieceSettings::Prefix::kUnlessSpace:
      return part.begin == 0 && text[0] != ' ' && !text.starts_with(kSpaceMark);
    case SentencePieceSettings::Prefix::kEveryPart:
      return true;
  }
  return false;
}

std::optional<Rewriter> SentencePieceTokenizer::normalise(std::string_view text, std::vector<Part>& parts) const {
  const bool prefix =
      std::any_of(parts.begin(), parts.end(), [&](const Part& part) { return wants_prefix(text, part); });
  std::optional<Rewriter> rewritten;
  if (prefix || text.find(kSpaceMark) != std::string_view::npos) {
    rewritten.emplace();
    for (Part& part : parts) {
      const auto begin = static_cast<std::uint32_t>(rewritten->text().size());
      if (wants_prefix(text, part)) rewritten->replace(0, " ");
      std::string_view rest = text.substr(part.begin, part.end - part.begin);
      while (!rest.empty()) {
        const std::size_t plain = part.id >= 0 ? rest.size() : std::min(rest.find(kSpaceMark), rest.size());
        rewritten->keep(rest.substr(0, plain));
        rest.remove_prefix(plain);
        if (rest.empty()) break;
        rewritten->replace(kSpaceMark.size(), " ");
        rest.remove_prefix(kSpaceMark.size());
      }
      part = {begin, static_cast<std::uint32_t>(rewritten->text().size()), part.id};
    }
  }
  if (!normalised_added_.empty()) parts = split(normalised_added_, rewritten ? rewritten->text() : text, parts);
  return rewritten;
}

std::size_t SentencePieceTokenizer::end_of_word(std::string_view text, std::size_t at) const {
  const std::size_t first = std::min(text.find_first_not_of(' ', at), text.size());
  for (std::size_t space = text.find(' ', first); space != std::string_view::npos; space = text.find(' ', space + 1)) {
    if (!joins_space_[static_cast<unsigned char>(text[space - 1])]) return space;
  }
  return text.size();
}

void SentencePieceTokenizer::cut_word(std::string_view word, EncodeRun& run) const {
  run.symbols.clear();
  run.symbols.reserve(word.size());
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t bytes = read_utf8(word, at).bytes;
    add_character(word.substr(at, bytes), at, run.symbols);
    at += bytes;
  }
  merge_symbols(word, run);
}

void SentencePieceTokenizer::add_character(std::string_view character, std::size_t at,
                                           std::vector<Symbol>& symbols) const {
  const auto begin = static_cast<std::uint32_t>(at);
  const auto bytes = static_cast<std::uint32_t>(character.size());
  if (const TokenId id = pieces().find_text(character); id >= 0) {
    symbols.push_back({.id = id, .begin = begin, .bytes = bytes});
    return;
  }
  const auto has_byte = [this](char c) { return byte_ids_[static_cast<unsigned char>(c)] >= 0; };
  if (settings_.byte_fallback && std::all_of(character.begin(), character.end(), has_byte)) {
    for (std::uint32_t i = 0; i < bytes; ++i) {
      const TokenId id = byte_ids_[static_cast<unsigned char>(character[i])];
      symbols.push_back({.id = id, .begin = begin + i, .bytes = 1, .merges = false});
    }
    return;
  }
  if (settings_.unknown < 0) return;
  const bool fuses = settings_.fuse_unknown && !symbols.empty() && symbols.back().id == settings_.unknown;
  if (fuses) {
    symbols.back().bytes += bytes;
  } else {
    symbols.push_back({.id = settings_.unknown, .begin = begin, .bytes = bytes, .merges = false});
  }
}

std::uint64_t SentencePieceTokenizer::kind_hash() const {
  const auto prefix = static_cast<std::uint64_t>(settings_.prefix);
  return normalised_added_.hash() ^
         (4096 + prefix * 4 + (settings_.byte_fallback ? 2 : 0) + (settings_.fuse_unknown ? 1 : 0) +
          (static_cast<std::uint64_t>(settings_.unknown) << 16));
}

}  // namespace tome
