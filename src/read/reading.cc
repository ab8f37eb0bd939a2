#include "read/reading.h"

#include <xxhash.h>

#include <atomic>
#include <charconv>
#include <cstring>

#include "base/error.h"
#include "formats/printable.h"

namespace tome {
namespace {

std::int64_t number(const SafetensorsFile& file, const std::string& key, int base = 10) {
  const auto found = file.metadata().find(key);
  std::uint64_t value = 0;
  if (found != file.metadata().end()) {
    const std::string& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error == std::errc() && end == text.data() + text.size()) return static_cast<std::int64_t>(value);
  }
  throw_user_error(file.file().path().string(), ": not a reading of this version: metadata \"", key,
                   "\" is missing or no number; remove it with `tome readings rm`");
}

std::string text_of(const SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  return found == file.metadata().end() ? std::string() : found->second;
}

const SafetensorsEntry& entry(const SafetensorsFile& file, const std::string& name, const std::string& dtype,
                              std::size_t bytes) {
  const SafetensorsEntry* found = file.find(name);
  if (found == nullptr || found->dtype != dtype || found->bytes != bytes || found->offset % 4 != 0) {
    throw_user_error(file.file().path().string(), ": damaged reading: entry \"", name, "\" is missing or has not ",
                     bytes, " aligned bytes of ", dtype, "; remove it with `tome readings rm`");
  }
  return *found;
}

ReadingInfo make_info(const SafetensorsFile& file) {
  if (number(file, "version") != kReadingVersion) {
    throw_user_error(file.file().path().string(),
                     ": a reading of another version of tome; remove it with `tome readings rm`");
  }
  ReadingInfo info;
  info.id = file.file().path().stem().string();
  info.settings = static_cast<std::uint64_t>(number(file, "settings", 16));
  info.text_hash = static_cast<std::uint64_t>(number(file, "text", 16));
  info.parent = text_of(file, "parent");
  info.first_block = number(file, "first_block");
  const std::string kv = text_of(file, "kv");
  info.kv = kv == "q8" ? ops::KvType::kQ8 : kv == "q4" ? ops::KvType::kQ4 : ops::KvType::kNative;
  info.document = text_of(file, "document");
  info.model = text_of(file, "model");
  info.tokens = number(file, "tokens");
  info.bytes = file.file().bytes().size();
  constexpr std::int64_t kMostTokens = 1'000'000'000;
  if (info.tokens < 1 || info.tokens > kMostTokens || info.first_block < 0 ||
      info.first_block > info.tokens / ops::kKvBlock || (info.first_block > 0 && info.parent.empty()) ||
      info.parent.find('/') != std::string::npos) {
    throw_user_error(file.file().path().string(), ": damaged reading: ", info.tokens, " tokens from block ",
                     info.first_block, " on after ", in_quotes(info.parent), "; remove it with `tome readings rm`");
  }
  return info;
}

}  // namespace

std::vector<std::int64_t> stored_blocks(const ModelConfig& config, std::size_t layer, std::int64_t first_block,
                                        std::int64_t tokens) {
  constexpr std::int64_t kPer = kSnapshot / ops::kKvBlock;
  const std::int64_t end = (tokens + ops::kKvBlock - 1) / ops::kKvBlock;
  const std::int64_t window = config.is_sliding(layer) ? config.sliding_window : tokens;
  const std::int64_t window_blocks = (window + ops::kKvBlock - 1) / ops::kKvBlock;
  const std::int64_t last_needed = std::max<std::int64_t>(tokens - window + 1, 0) / ops::kKvBlock;
  std::vector<std::int64_t> blocks;
  for (std::int64_t b = first_block; b < end; ++b) {
    if (b >= last_needed || b % kPer >= kPer - window_blocks) blocks.push_back(b);
  }
  return blocks;
}

Reading::Reading(const std::filesystem::path& path, const ModelConfig& config)
    : config_(config), file_(path), info_(make_info(file_)), verified_(config.layers, false) {
  const auto n = static_cast<std::size_t>(info_.tokens);
  entry(file_, "tokens", "I32", n * 4);
  entry(file_, "offsets", "U32", (n + 1) * 4);
  block_bytes_ = 4 * ops::kv_block_total_words<bf16>(info_.kv, attention_shape(config));
  std::size_t total = 0;
  for (std::size_t layer = 0; layer < config.layers; ++layer) {
    first_checksum_.push_back(total);
    const std::size_t blocks = stored_blocks(config, layer, info_.first_block, info_.tokens).size();
    entry(file_, cat("layers.", layer), "U32", blocks * block_bytes_);
    total += blocks;
  }
  entry(file_, "checksums", "U64", total * 8);
}

std::span<const std::int32_t> Reading::tokens() const {
  const auto bytes = file_.data(*file_.find("tokens"));
  return {reinterpret_cast<const std::int32_t*>(bytes.data()), bytes.size() / 4};
}

std::span<const std::uint32_t> Reading::offsets() const {
  const auto bytes = file_.data(*file_.find("offsets"));
  return {reinterpret_cast<const std::uint32_t*>(bytes.data()), bytes.size() / 4};
}

void Reading::verify(Threads& threads, std::size_t layer) {
  if (verified_[layer]) return;
  const auto data = file_.data(*file_.find(cat("layers.", layer)));
  const std::byte* sums = file_.data(*file_.find("checksums")).data() + 8 * first_checksum_[layer];
  std::atomic<bool> damaged{false};
  threads.for_each(data.size() / block_bytes_, [&](std::size_t b, int) {
    std::uint64_t expected;
    std::memcpy(&expected, sums + 8 * b, 8);
    if (XXH3_64bits(data.data() + b * block_bytes_, block_bytes_) != expected) damaged = true;
  });
  if (damaged) {
    throw_user_error(path().string(), ": damaged reading: layer ", layer,
                     " does not match its checksum; remove it with ", "`tome readings rm ", info_.id,
                     "` and ask again");
  }
  verified_[layer] = true;
}

void Reading::borrow(Threads& threads, std::size_t layer, std::int64_t end_block, std::int64_t limit,
                     KvSequence<bf16>& kv) {
  verify(threads, layer);
  const std::byte* at = file_.data(*file_.find(cat("layers.", layer))).data();
  const std::size_t words = block_bytes_ / 8;
  for (const std::int64_t b : stored_blocks(config_, layer, info_.first_block, info_.tokens)) {
    const std::int64_t first = b * ops::kKvBlock;
    const std::int64_t end = std::min({first + ops::kKvBlock, info_.tokens, limit});
    if (b < end_block && first < end) {
      const auto* k = reinterpret_cast<const std::uint32_t*>(at);
      kv.borrow({k, k + words, first, static_cast<int>(end - first), info_.kv});
    }
    at += block_bytes_;
  }
}

void Reading::release(std::size_t layer) const { file_.file().release(file_.data(*file_.find(cat("layers.", layer)))); }

ReadingInfo read_info(const std::filesystem::path& path) { return make_info(SafetensorsFile(path)); }

}  // namespace tome
