// A kept reading: the keys and values of a text, layer by layer, in a safetensors file that is mapped for use.
//
// A reading is a chain of immutable segments. A segment that continues another names its parent and holds the blocks
// from `first_block` on; earlier blocks are the parent's. Blocks are kKvBlock tokens, packed as ops/attention.h has
// them.
//   tokens     I32 [N]      ids of the whole text, the parent's part included
//   offsets    U32 [N + 1]  byte of the text at which each token begins
//   checksums  U64 [S]      XXH3 of each stored block, in file order
//   layers.I   U32 [blocks stored, words]  K then V of each stored block of layer I, of the segment's KvType
// Sliding layers store only what a continuation can need: the blocks before every kSnapshot tokens, and the last ones.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/threads.h"
#include "formats/safetensors.h"
#include "model/decoder_layer.h"
#include "model/kv_sequence.h"
#include "model/model.h"

namespace tome {

inline constexpr std::int64_t kSnapshot = 4096;
inline constexpr int kReadingVersion = 1;

/// Global indices of the blocks that a segment stores for one layer.
std::vector<std::int64_t> stored_blocks(const ModelConfig& config, std::size_t layer, std::int64_t first_block,
                                        std::int64_t tokens);

/// What a segment's file says of itself.
struct ReadingInfo {
  std::string id;               // file name without extension
  std::uint64_t settings = 0;   // hash of model, adapter, tokenizer, RoPE, K/V type and precision
  std::uint64_t text_hash = 0;  // XXH3 of the text that was read
  std::string parent;           // id, or empty
  ops::KvType kv = ops::KvType::kNative;
  std::int64_t first_block = 0;
  std::string document;  // name, for people
  std::string model;
  std::int64_t tokens = 0;
  std::uintmax_t bytes = 0;  // of this file
};

class Reading {
 public:
  /// Throws UserError when the file is not a whole reading that fits `config`.
  Reading(const std::filesystem::path& path, const ModelConfig& config);

  const ReadingInfo& info() const { return info_; }
  const std::filesystem::path& path() const { return file_.file().path(); }
  std::span<const std::int32_t> tokens() const;
  std::span<const std::uint32_t> offsets() const;

  /// Adds the layer's stored blocks among [first_block, end_block) to `kv`, none reaching past `limit` tokens. The
  /// layer is checked against its checksums the first time; throws UserError when it is damaged.
  void borrow(Threads& threads, std::size_t layer, std::int64_t end_block, std::int64_t limit, KvSequence<bf16>& kv);
  /// Lets the layer's mapped pages go.
  void release(std::size_t layer) const;

 private:
  void verify(Threads& threads, std::size_t layer);

  const ModelConfig& config_;
  SafetensorsFile file_;
  ReadingInfo info_;
  std::size_t block_bytes_ = 0;
  std::vector<bool> verified_;
  std::vector<std::size_t> first_checksum_;  // by layer
};

/// Reads only the header: what `tome readings list` shows. Throws UserError for a file that is no reading.
ReadingInfo read_info(const std::filesystem::path& path);

}  // namespace tome
