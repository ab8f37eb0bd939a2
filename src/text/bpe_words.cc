#include "text/bpe_words.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <utility>

namespace tome {
namespace {
constexpr std::size_t kFirstSlots = 1u << 10;
constexpr std::size_t kMaxWords = 1u << 20;
constexpr std::size_t kMaxWordBytes = 64;
}  // namespace

WordMemory::WordMemory() : slots_(kFirstSlots) {}

std::uint64_t WordMemory::hash_of(std::string_view word) { return XXH3_64bits(word.data(), word.size()); }

std::size_t WordMemory::locate(std::string_view word, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.word == nullptr) return at;
    if (slot.tag == tag && std::string_view(slot.word, slot.bytes) == word) return at;
  }
}

WordMemory::Known WordMemory::find(std::string_view word) {
  if (word.size() > kMaxWordBytes) return {};
  missed_ = hash_of(word);
  const Slot& slot = slots_[locate(word, missed_)];
  if (slot.word == nullptr) return {};
  return {std::span<const WordToken>(tokens_).subspan(slot.first, slot.count), true};
}

void WordMemory::remember(std::string_view word, std::span<const WordToken> tokens) {
  if (word.size() > kMaxWordBytes || used_ == kMaxWords) return;
  if (2 * (used_ + 1) > slots_.size()) grow();
  slots_[locate(word, missed_)] = {
      word.data(), static_cast<std::uint32_t>(word.size()), static_cast<std::uint32_t>(missed_ >> 32),
      static_cast<std::uint32_t>(tokens_.size()), static_cast<std::uint32_t>(tokens.size())};
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  ++used_;
}

void WordMemory::grow() {
  std::vector<Slot> old(4 * slots_.size());
  std::swap(old, slots_);
  for (const Slot& slot : old) {
    if (slot.word == nullptr) continue;
    const std::string_view word(slot.word, slot.bytes);
    slots_[locate(word, hash_of(word))] = slot;
  }
}

}  // namespace tome
