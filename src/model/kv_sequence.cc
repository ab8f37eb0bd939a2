#include "model/kv_sequence.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace tome {

using ops::KvBlock;
using ops::kKvBlock;

template <typename T>
void KvSequence<T>::borrow(const KvBlock& block) {
  TOME_CHECK(block.first % kKvBlock == 0 && block.first >= size_ && block.count > 0 && block.count <= kKvBlock);
  table_.push_back(block);
  owned_.emplace_back();
  size_ = block.first + block.count;
}

template <typename T>
typename KvSequence<T>::Buffer KvSequence<T>::take_buffer() {
  if (free_.empty()) return Buffer(2 * ops::kv_block_words<T>(shape_));
  Buffer buffer = std::move(free_.back());
  free_.pop_back();
  return buffer;
}

template <typename T>
void KvSequence<T>::add_owned_block(std::int64_t first) {
  Buffer buffer = take_buffer();
  std::memset(buffer.data(), 0, buffer.bytes());
  table_.push_back({buffer.data(), buffer.data() + ops::kv_block_words<T>(shape_), first, 0});
  owned_.push_back(std::move(buffer));
}

template <typename T>
void KvSequence<T>::own_last_block() {
  if (owned_.back().size() > 0) return;
  Buffer buffer = take_buffer();
  std::uint32_t* v = buffer.data() + ops::kv_block_words<T>(shape_);
  KvBlock& last = table_.back();
  ops::copy_kv<T>(shape_, last.count, last.k, last.v, buffer.data(), v);
  last.k = buffer.data();
  last.v = v;
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
  });
}

template <typename T>
void KvSequence<T>::truncate(std::int64_t tokens) {
  while (!table_.empty() && table_.back().first >= tokens) {
    if (owned_.back().size() > 0) free_.push_back(std::move(owned_.back()));
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
    free_.push_back(std::move(old));
  }
}

template <typename T>
void KvSequence<T>::drop_before(std::int64_t index) {
  std::size_t count = 0;
  while (count < table_.size() && table_[count].first + kKvBlock <= index) {
    if (owned_[count].size() > 0) free_.push_back(std::move(owned_[count]));
    ++count;
  }
  table_.erase(table_.begin(), table_.begin() + static_cast<std::ptrdiff_t>(count));
  owned_.erase(owned_.begin(), owned_.begin() + static_cast<std::ptrdiff_t>(count));
}

template <typename T>
void KvSequence<T>::clear() {
  for (Buffer& buffer : owned_) {
    if (buffer.size() > 0) free_.push_back(std::move(buffer));
  }
  table_.clear();
  owned_.clear();
  size_ = 0;
}

template class KvSequence<bf16>;
template class KvSequence<float>;

}  // namespace tome
