// The pieces of a vocabulary: id -> bytes and bytes -> id.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace tome {

/// GGUF's own numbers (tokenizer.ggml.token_type).
enum class PieceType : std::uint8_t { kNormal = 1, kUnknown = 2, kControl = 3, kUser = 4, kUnused = 5, kByte = 6 };

class Pieces {
 public:
  /// At most this many pieces, of together at most kMaxBytes bytes.
  static constexpr std::size_t kMaxPieces = 1u << 23;
  static constexpr std::size_t kMaxBytes = 1u << 30;
  static constexpr std::size_t kMaxPieceBytes = 0xFFFF;

  /// `count` and `bytes` are only what is reserved. `where` begins the messages of errors: a file's name.
  Pieces(std::string where, std::size_t count, std::size_t bytes);

  /// Appends the next id. `bytes` are those that the piece stands for in running text.
  void add(std::string_view bytes, PieceType type);
  /// Makes find() and find_text() work. `spelled(id)` is the piece as the file has it: two ids spelled the same are a
  /// UserError, two that only stand for the same bytes are not (the first one that text may contain is found).
  template <typename Spelled>
  void index(const Spelled& spelled);

  std::size_t size() const { return types_.size(); }
  PieceType type(TokenId id) const { return types_[static_cast<std::size_t>(id)]; }
  /// A byte piece's text is that of its name, "<0x0A>"; see byte_value().
  std::string_view text(TokenId id) const {
    const auto i = static_cast<std::size_t>(id);
    return std::string_view(arena_).substr(starts_[i], starts_[i + 1] - starts_[i]);
  }
  std::size_t text_size(TokenId id) const {
    const auto i = static_cast<std::size_t>(id);
    return starts_[i + 1] - starts_[i];
  }
  /// Whether plain text may become this piece: not control, unknown or byte pieces.
  bool is_text(TokenId id) const {
    const PieceType type = this->type(id);
    return type == PieceType::kNormal || type == PieceType::kUser || type == PieceType::kUnused;
  }

  /// -1: none.
  TokenId find(std::string_view text) const;
  /// As find(), but only a piece that plain text may become.
  TokenId find_text(std::string_view text) const {
    const TokenId id = find(text);
    return id >= 0 && is_text(id) ? id : -1;
  }

  const std::string& where() const { return where_; }
  /// Of all texts and types, in order.
  std::uint64_t hash() const { return hash_; }

  /// 0..255 for a piece named "<0xNN>", -1 for another text.
  static int byte_value(std::string_view text);

 private:
  struct Slot {
    std::uint32_t tag = 0;  // upper half of the hash
    TokenId id = -1;
  };
  /// The slot that holds `text`, or the empty one where it belongs.
  std::size_t locate(std::string_view text, std::uint64_t hash) const;
  static std::uint64_t hash_of(std::string_view text);
  /// Of each text; sets hash_.
  std::vector<std::uint64_t> hash_all();
  [[noreturn]] void duplicate(TokenId first, TokenId second) const;

  std::string where_;
  std::string arena_;
  std::vector<std::uint32_t> starts_;
  std::vector<PieceType> types_;
  std::vector<Slot> slots_;  // open addressing, a power of two, at most half full
  std::uint64_t hash_ = 0;
};

template <typename Spelled>
void Pieces::index(const Spelled& spelled) {
  const std::vector<std::uint64_t> hashes = hash_all();
  slots_.assign(std::bit_ceil(2 * size() + 2), Slot{});
  for (std::size_t i = 0; i < size(); ++i) {
    constexpr std::size_t kAhead = 16;  // the slots of a large vocabulary are in no cache: ask for them early
    if (i + kAhead < size()) __builtin_prefetch(&slots_[hashes[i + kAhead] & (slots_.size() - 1)], 1);
    const auto id = static_cast<TokenId>(i);
    Slot& slot = slots_[locate(text(id), hashes[i])];
    if (slot.id >= 0 && spelled(slot.id) == spelled(id)) duplicate(slot.id, id);
    if (slot.id < 0 || (!is_text(slot.id) && is_text(id))) slot = {static_cast<std::uint32_t>(hashes[i] >> 32), id};
  }
}

}  // namespace tome
