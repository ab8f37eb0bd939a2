#include "text/bpe_tokenizer.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "text/utf8.h"

namespace tome {
namespace {

/// Control tokens that end a text or a turn, in the families that we know.
constexpr std::string_view kEndNames[] = {"<end_of_turn>", "<|im_end|>",    "<|eot_id|>",
                                          "<|eom_id|>",    "<|endoftext|>", "<|end_of_text|>"};

constexpr std::array<char, 256> kAllBytes = [] {
  std::array<char, 256> all{};
  for (int i = 0; i < 256; ++i) all[static_cast<std::size_t>(i)] = static_cast<char>(static_cast<unsigned char>(i));
  return all;
}();

}  // namespace

BpeTokenizer::BpeTokenizer(Pieces pieces, MergeRules rules, AddedTokens added)
    : pieces_(std::move(pieces)), rules_(std::move(rules)), added_(std::move(added)) {}

void BpeTokenizer::settle(TokenizerSettings settings) {
  const auto check = [this](TokenId id, std::string_view what) {
    if (id < -1 || id >= static_cast<TokenId>(pieces_.size())) {
      throw_user_error(pieces_.where(), ": ", what, " token: got id ", id, ", expected less than ", pieces_.size());
    }
  };
  check(settings.bos, "bos");
  bos_ = settings.bos;
  add_bos_ = settings.add_bos && bos_ >= 0;
  for (const std::string_view name : kEndNames) {
    const TokenId id = find(name);
    if (id >= 0 && pieces_.type(id) == PieceType::kControl) settings.ends.push_back(id);
  }
  for (const TokenId id : settings.ends) {
    check(id, "end");
    if (id >= 0 && std::find(end_.begin(), end_.end(), id) == end_.end()) end_.push_back(id);
  }
  chat_template_ = std::move(settings.chat_template);
  const std::array<std::uint64_t, 6> all{pieces_.hash(), rules_.hash(), added_.hash(),
                                         kind_hash(),    add_bos_,      static_cast<std::uint64_t>(bos_)};
  fingerprint_ = XXH3_64bits(all.data(), sizeof(all));
}

std::string_view BpeTokenizer::bytes(TokenId id) const {
  if (id < 0 || id >= static_cast<TokenId>(pieces_.size())) return {};
  switch (pieces_.type(id)) {
    case PieceType::kControl:
    case PieceType::kUnknown:
      return {};
    case PieceType::kByte:
      return {&kAllBytes[static_cast<std::size_t>(Pieces::byte_value(pieces_.text(id)))], 1};
    default:
      return pieces_.text(id);
  }
}

TokenId BpeTokenizer::find(std::string_view piece) const { return pieces_.find(piece); }

Encoded BpeTokenizer::encode(std::string_view text) const {
  if (text.size() > kMaxInput) {
    throw_user_error("text too long: got ", text.size(), " bytes, expected at most ", kMaxInput, "; cut it into parts");
  }
  if (find_invalid_utf8(text) == text.size()) return encode_valid(text);
  const Rewriter mended = mend_utf8(text);
  Encoded out = encode_valid(mended.text());
  mended.to_original(out.offsets);
  out.offsets.back() = static_cast<std::uint32_t>(text.size());
  return out;
}

Encoded BpeTokenizer::encode_valid(std::string_view text) const {
  std::vector<Part> parts = split(added_, text, {{0, static_cast<std::uint32_t>(text.size()), -1}});
  const std::optional<Rewriter> rewritten = normalise(text, parts);
  const std::string_view normal = rewritten ? std::string_view(rewritten->text()) : text;
  EncodeRun run;
  run.out.ids.reserve(text.size() / 4);
  run.out.offsets.reserve(text.size() / 4 + 1);
  for (const Part& part : parts) {
    if (part.id < 0) {
      encode_plain(normal, part, run);
    } else {
      run.out.ids.push_back(part.id);
      run.out.offsets.push_back(part.begin);
    }
  }
  if (rewritten) rewritten->to_original(run.out.offsets);
  run.out.offsets.push_back(static_cast<std::uint32_t>(text.size()));
  return std::move(run.out);
}

void BpeTokenizer::encode_plain(std::string_view text, Part part, EncodeRun& run) const {
  const std::string_view plain = text.substr(0, part.end);
  for (std::size_t at = part.begin; at < part.end;) {
    const std::size_t end = part.begin + end_of_word(plain.substr(part.begin), at - part.begin);
    const std::string_view word = plain.substr(at, end - at);
    const WordMemory::Known known = run.memory.find(word);
    std::span<const WordToken> tokens = known.tokens;
    if (!known.found) {
      run.tokens.clear();
      cut_word(word, run);
      run.memory.remember(word, run.tokens);
      tokens = run.tokens;
    }
    for (const WordToken& token : tokens) {
      run.out.ids.push_back(token.id);
      run.out.offsets.push_back(static_cast<std::uint32_t>(at) + token.begin);
    }
    at = end;
  }
}

void BpeTokenizer::merge_symbols(std::string_view word, EncodeRun& run) const {
  run.merger.merge(run.symbols, word, pieces_, rules_);
  for (const Symbol& symbol : run.symbols) {
    if (symbol.bytes > 0) run.tokens.push_back({symbol.id, symbol.begin});
  }
}

std::optional<Rewriter> BpeTokenizer::normalise(std::string_view, std::vector<Part>&) const { return std::nullopt; }

std::vector<BpeTokenizer::Part> BpeTokenizer::split(const AddedTokens& added, std::string_view text,
                                                    const std::vector<Part>& parts) {
  std::vector<Part> cut;
  for (const Part& part : parts) {
    if (part.id >= 0) {
      cut.push_back(part);
      continue;
    }
    const std::string_view plain = text.substr(part.begin, part.end - part.begin);
    for (std::size_t at = 0; at < plain.size();) {
      const AddedTokens::Match match = added.next(plain, at);
      const auto begin = static_cast<std::uint32_t>(part.begin + match.begin);
      if (match.begin > at) cut.push_back({static_cast<std::uint32_t>(part.begin + at), begin, -1});
      if (match.id >= 0) cut.push_back({begin, static_cast<std::uint32_t>(part.begin + match.end), match.id});
      at = match.end;
    }
  }
  return cut;
}

}  // namespace tome
