#include "text/bpe_pieces.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <utility>

#include "base/error.h"

namespace tome {

Pieces::Pieces(std::string where, std::size_t count, std::size_t bytes) : where_(std::move(where)) {
  starts_.reserve(count + 1);
  types_.reserve(count);
  arena_.reserve(bytes);
  starts_.push_back(0);
}

void Pieces::add(std::string_view bytes, PieceType type) {
  if (size() == kMaxPieces) throw_user_error(where_, ": more than ", kMaxPieces, " tokens; this is not a vocabulary");
  if (bytes.size() > kMaxPieceBytes || arena_.size() + bytes.size() > kMaxBytes) {
    throw_user_error(where_, ": token ", size(), " is too long: got ", bytes.size(), " bytes, expected at most ",
                     kMaxPieceBytes, " (", kMaxBytes, " for all tokens); get the file again");
  }
  arena_ += bytes;
  starts_.push_back(static_cast<std::uint32_t>(arena_.size()));
  types_.push_back(type);
}

std::uint64_t Pieces::hash_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

std::size_t Pieces::locate(std::string_view text, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.id < 0 || (slot.tag == tag && this->text(slot.id) == text)) return at;
  }
}

TokenId Pieces::find(std::string_view text) const { return slots_[locate(text, hash_of(text))].id; }

std::vector<std::uint64_t> Pieces::hash_all() {
  std::vector<std::uint64_t> hashes(size());
  for (std::size_t i = 0; i < size(); ++i) hashes[i] = hash_of(text(static_cast<TokenId>(i)));
  const std::uint64_t texts = XXH3_64bits(hashes.data(), hashes.size() * sizeof(hashes[0]));
  hash_ = XXH3_64bits_withSeed(types_.data(), types_.size(), texts);
  return hashes;
}

void Pieces::duplicate(TokenId first, TokenId second) const {
  throw_user_error(where_, ": tokens ", first, " and ", second, " are spelled the same; the vocabulary is broken");
}

int Pieces::byte_value(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return -1;
  int value = 0;
  for (const char c : text.substr(3, 2)) {
    if (c >= '0' && c <= '9') {
      value = value * 16 + (c - '0');
    } else if (c >= 'A' && c <= 'F') {
      value = value * 16 + (c - 'A' + 10);
    } else {
      return -1;
    }
  }
  return value;
}

}  // namespace tome
