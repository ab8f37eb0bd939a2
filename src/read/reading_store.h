// The folder of kept readings: finding one for a text, listing, removing, keeping within a size.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "read/reading.h"

namespace tome {

/// Segments of one reading, root first. Each segment's blocks count up to the next one's first block.
class ReadingChain {
 public:
  ReadingChain() = default;
  explicit ReadingChain(std::vector<std::shared_ptr<Reading>> segments) : segments_(std::move(segments)) {}

  bool empty() const { return segments_.empty(); }
  const Reading& leaf() const { return *segments_.back(); }
  std::int64_t tokens() const { return segments_.empty() ? 0 : leaf().info().tokens; }

  /// Drops the last segments that hold nothing of tokens [0, tokens).
  void keep_before(std::int64_t tokens);
  /// Fills `kv` (empty before) with the layer's blocks of tokens [0, limit).
  void borrow(Threads& threads, std::size_t layer, std::int64_t limit, KvSequence<bf16>& kv) const;
  /// Lets the layer's mapped pages go; they come back when they are read.
  void release(std::size_t layer) const {
    for (const auto& segment : segments_) segment->release(layer);
  }

 private:
  std::vector<std::shared_ptr<Reading>> segments_;
};

class ReadingStore {
 public:
  explicit ReadingStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  const std::filesystem::path& folder() const { return folder_; }

  /// Every readable reading, most recently used first; unreadable files are skipped.
  std::vector<ReadingInfo> list() const;
  /// The reading of exactly this text, or nothing.
  std::optional<ReadingChain> find_text(std::uint64_t settings, std::uint64_t text_hash,
                                        const ModelConfig& config) const;
  /// The reading that shares the longest beginning with `tokens`, and how long it is (0: none).
  std::pair<ReadingChain, std::int64_t> find_prefix(std::uint64_t settings, std::span<const std::int32_t> tokens,
                                                    const ModelConfig& config) const;
  /// The chain that ends at `id`. Throws UserError when a segment is missing or damaged.
  ReadingChain open(const std::string& id, const ModelConfig& config) const;
  /// True when open(id) would succeed.
  bool holds(const std::string& id, const ModelConfig& config) const;
  /// Removes a reading, what was left of an interrupted one, and the readings that continue it. False: there is none.
  bool remove(const std::string& id) const;
  /// Removes the longest-unused readings until all take at most `bytes`; `keep` (and what it continues) stays.
  void evict(std::uintmax_t bytes, const std::string& keep) const;
  /// Marks it and all that it continues as used now.
  void touch(const std::string& id) const;

 private:
  std::filesystem::path path_of(const std::string& id) const { return folder_ / (id + ".safetensors"); }
  std::filesystem::path folder_;
};

}  // namespace tome
