// The keys and values of one layer: a run of packed blocks (ops/attention.h), some borrowed from a reading's file, the
// last ones owned and growing. Blocks begin at multiples of kKvBlock whatever their source, so that a text gives the
// same blocks however it was read.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned.h"
#include "base/threads.h"
#include "ops/attention.h"

namespace tome {

template <typename T>
class KvSequence {
 public:
  /// Blocks are quantised to `type` as soon as they are full; the last one stays native until then.
  explicit KvSequence(const ops::AttentionShape& shape, ops::KvType type = ops::KvType::kNative)
      : shape_(shape), type_(type) {}
  /// Full blocks of native bf16 get int8 keys beside them, where this CPU is faster with them: for reading many rows.
  static KvSequence with_int8_scores(const ops::AttentionShape& shape, ops::KvType type = ops::KvType::kNative);
  /// Copies only shape and kind of an empty sequence, so that a vector of them can be made.
  KvSequence(const KvSequence& other) : shape_(other.shape_), type_(other.type_), int8_keys_(other.int8_keys_) {}
  KvSequence(KvSequence&&) noexcept = default;
  KvSequence& operator=(KvSequence&&) noexcept = default;

  /// Tokens held: the index after the last one.
  std::int64_t size() const { return size_; }
  /// All blocks in order; a sliding layer's table may begin late.
  std::span<const ops::KvBlock> blocks() const { return table_; }

  /// Appends a block of a file that outlives this object. Its first token is a multiple of kKvBlock, not before size().
  void borrow(const ops::KvBlock& block);
  /// Adds rows of k and v ([rows][K*C]) after size(). A borrowed last block that is not full is copied first.
  void append(Threads& threads, const T* k, const T* v, std::size_t rows);
  /// Forgets tokens from `tokens` on.
  void truncate(std::int64_t tokens);
  /// Frees owned blocks that lie wholly before token `index`.
  void drop_before(std::int64_t index);
  /// Empty again; keeps the memory for the next layer.
  void clear();

  /// K then V of one owned or borrowed block, for the file: kv_block_words words each.
  const ops::AttentionShape& shape() const { return shape_; }
  ops::KvType type() const { return type_; }

 private:
  using Buffer = AlignedBuffer<std::uint32_t>;
  Buffer take_buffer();
  void give_back(Buffer buffer);
  void add_owned_block(std::int64_t first);
  void own_last_block();
  void quantize_full_blocks(Threads& threads);
  std::size_t native_words() const;

  ops::AttentionShape shape_;
  ops::KvType type_;
  bool int8_keys_ = false;
  std::int64_t size_ = 0;
  std::vector<ops::KvBlock> table_;
  std::vector<Buffer> owned_;  // parallel to table_; empty for borrowed blocks
  std::vector<Buffer> free_;
};

}  // namespace tome
