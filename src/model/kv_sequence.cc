#include "model/kv_sequence.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace tome {

using ops::kKvBlock;
using ops::KvBlock;

template <typename T>
KvSequence<T> KvSequence<T>::with_int8_scores(const ops::AttentionShape& shape, ops::KvType type) {
  KvSequence sequence(shape, type);
  sequence.int8_keys_ = sizeof(T) == 2 && type == ops::KvType::kNative && ops::has_int8_scores();
  return sequence;
}

template <typename T>
void KvSequence<T>::borrow(const KvBlock& block) {
  TOME_CHECK(block.first % kKvBlock == 0 && block.first >= size_ && block.count > 0 && block.count <= kKvBlock);
  table_.push_back(block);
  owned_.emplace_back();
  size_ = block.first + block.count;
}

// K, V and, where they are wanted, int8 keys of one block that is not quantised.
template <typename T>
std::size_t KvSequence<T>::native_words() const {
  const auto heads = static_cast<std::size_t>(shape_.kv_heads);
  return 2 * ops::kv_block_words<T>(shape_) + (int8_keys_ ? heads * ops::int8_key_words(shape_) : 0);
}

template <typename T>
typename KvSequence<T>::Buffer KvSequence<T>::take_buffer() {
  if (free_.empty()) return Buffer(native_words());
  Buffer buffer = std::move(free_.back());
  free_.pop_back();
  return buffer;
}

// Keeps native buffers for the next block; quantised ones are freed.
template <typename T>
void KvSequence<T>::give_back(Buffer buffer) {
  if (buffer.size() == native_words()) free_.push_back(std::move(buffer));
}

template <typename T>
void KvSequence<T>::add_owned_block(std::int64_t first) {
  Buffer buffer = take_buffer();
  const std::size_t words = ops::kv_block_words<T>(shape_);
  std::memset(buffer.data(), 0, 2 * words * sizeof(std::uint32_t));
  table_.push_back({buffer.data(), buffer.data() + words, first, 0});
  owned_.push_back(std::move(buffer));
}

template <typename T>
void KvSequence<T>::own_last_block() {
  if (owned_.back().size() > 0) return;
  Buffer buffer = take_buffer();
  std::uint32_t* v = buffer.data() + ops::kv_block_words<T>(shape_);
  KvBlock& last = table_.back();
  if (last.type == ops::KvType::kNative) {
    ops::copy_kv<T>(shape_, last.count, last.k, last.v, buffer.data(), v);
  } else {
    const std::size_t words = ops::kv_block_words<T>(shape_);
    const Buffer unpacked(2 * words);
    ops::unpack_kv(last.type, shape_, last.k, unpacked.data());
    ops::copy_kv<T>(shape_, last.count, unpacked.data(), unpacked.data() + words, buffer.data(), v);
    last.type = ops::KvType::kNative;
  }
  last.k = buffer.data();
  last.v = v;
  last.int8_keys = nullptr;
  owned_.back() = std::move(buffer);
}

template <typename T>
void KvSequence<T>::append(Threads& threads, const T* k, const T* v, std::size_t rows) {
  struct Piece {
    std::size_t block, from;
    int at, count;
  };
  std::vector<Piece> pieces;
  const auto stride = static_cast<std::ptrdiff_t>(shape_.kv_heads) * shape_.head_width;
  for (std::size_t done = 0; done < rows;) {
    const int at = static_cast<int>(size_ % kKvBlock);
    if (at == 0) {
      add_owned_block(size_);
    } else {
      own_last_block();
    }
    const int count = static_cast<int>(std::min<std::size_t>(rows - done, static_cast<std::size_t>(kKvBlock - at)));
    pieces.push_back({table_.size() - 1, done, at, count});
    table_.back().count += count;
    size_ += count;
    done += static_cast<std::size_t>(count);
  }
  threads.for_each(pieces.size(), [&](std::size_t i, int) {
    const Piece& piece = pieces[i];
    std::uint32_t* to = owned_[piece.block].data();
    const auto offset = static_cast<std::ptrdiff_t>(piece.from) * stride;
    ops::pack_kv<T>(shape_, k + offset, v + offset, stride, piece.count, piece.at, to,
                    to + ops::kv_block_words<T>(shape_));
    KvBlock& block = table_[piece.block];
    if (int8_keys_ && block.count == kKvBlock) {
      std::uint32_t* keys = to + 2 * ops::kv_block_words<T>(shape_);
      ops::quantize_keys(shape_, to, keys);
      block.int8_keys = keys;
    }
  });
  quantize_full_blocks(threads);
}

template <typename T>
void KvSequence<T>::quantize_full_blocks(Threads& threads) {
  if (type_ == ops::KvType::kNative) return;
  TOME_CHECK(sizeof(T) == 2, "only bf16 K and V can be quantised");
  std::vector<std::size_t> full;
  for (std::size_t i = table_.size(); i-- > 0 && owned_[i].size() > 0;) {
    if (table_[i].count == kKvBlock && table_[i].type == ops::KvType::kNative) full.push_back(i);
  }
  const std::size_t words = ops::kv_block_total_words<T>(type_, shape_);
  std::vector<Buffer> native(full.size());
  threads.for_each(full.size(), [&](std::size_t n, int) {
    Buffer quantised(words);
    ops::quantize_kv(type_, shape_, owned_[full[n]].data(), quantised.data());
    native[n] = std::exchange(owned_[full[n]], std::move(quantised));
    KvBlock& block = table_[full[n]];
    block.k = owned_[full[n]].data();
    block.v = block.k + words / 2;
    block.type = type_;
  });
  for (Buffer& buffer : native) free_.push_back(std::move(buffer));
}

template <typename T>
void KvSequence<T>::truncate(std::int64_t tokens) {
  while (!table_.empty() && table_.back().first >= tokens) {
    give_back(std::move(owned_.back()));
    table_.pop_back();
    owned_.pop_back();
  }
  size_ = std::min(size_, tokens);
  if (table_.empty()) return;
  const int keep = static_cast<int>(tokens - table_.back().first);
  if (keep >= table_.back().count) return;
  table_.back().count = keep;
  if (owned_.back().size() > 0) {  // what follows must be zero again before the next append
    Buffer old = std::move(owned_.back());
    owned_.back() = Buffer();
    own_last_block();
    give_back(std::move(old));
  }
}

template <typename T>
void KvSequence<T>::drop_before(std::int64_t index) {
  std::size_t count = 0;
  while (count < table_.size() && table_[count].first + kKvBlock <= index) {
    give_back(std::move(owned_[count]));
    ++count;
  }
  table_.erase(table_.begin(), table_.begin() + static_cast<std::ptrdiff_t>(count));
  owned_.erase(owned_.begin(), owned_.begin() + static_cast<std::ptrdiff_t>(count));
}

template <typename T>
void KvSequence<T>::clear() {
  for (Buffer& buffer : owned_) {
    give_back(std::move(buffer));
  }
  table_.clear();
  owned_.clear();
  size_ = 0;
}

template class KvSequence<bf16>;
template class KvSequence<float>;

}  // namespace tome
