#include "read/reading_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/number_text.h"

namespace tome {
namespace {

void add_entry(std::vector<SafetensorsEntry>& entries, const std::string& name, const char* dtype,
               std::vector<std::size_t> shape, std::size_t value_bytes) {
  std::size_t values = 1;
  for (const std::size_t extent : shape) values *= extent;
  entries.push_back({name, dtype, std::move(shape), 0, values * value_bytes});
}

}  // namespace

ReadingWriter::ReadingWriter(const std::filesystem::path& folder, const ReadingInfo& info, const ModelConfig& config,
                             std::span<const std::int32_t> tokens, std::span<const std::uint32_t> offsets, bool keep)
    : folder_(folder),
      info_(info),
      config_(config),
      keep_(keep),
      block_bytes_(4 * ops::kv_block_total_words<bf16>(info.kv, attention_shape(config))) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  add_entry(entries_, "tokens", "I32", {tokens.size()}, 4);
  add_entry(entries_, "offsets", "U32", {offsets.size()}, 4);
  std::size_t blocks = 0;
  for (std::size_t layer = 0; layer < config.layers; ++layer) {
    blocks += stored_blocks(config, layer, info.first_block, info.tokens).size();
  }
  add_entry(entries_, "checksums", "U64", {blocks}, 8);
  for (std::size_t layer = 0; layer < config.layers; ++layer) {
    add_entry(entries_, cat("layers.", layer), "U32",
              {stored_blocks(config, layer, info.first_block, info.tokens).size(), block_bytes_ / 4}, 4);
  }
  header_ = make_safetensors_header(entries_, {{"version", cat(kReadingVersion)},
                                               {"settings", hex_digits(info.settings)},
                                               {"text", hex_digits(info.text_hash)},
                                               {"parent", info.parent},
                                               {"kv", std::string(ops::to_string(info.kv))},
                                               {"first_block", cat(info.first_block)},
                                               {"document", info.document},
                                               {"model", info.model},
                                               {"tokens", cat(info.tokens)}});
  if (keep) {
    open_partial();
  } else {
    fd_ = ::open(folder.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
  }
  if (fd_ < 0 || (keep && residual_fd_ < 0)) {
    throw_user_error("cannot write readings in ", folder.string(), ": ", std::strerror(errno),
                     "; free it or name another folder with --store");
  }
  if (!keep || !resume()) begin(tokens, offsets);
}

// Opens and locks the file of this name: who held the lock before may have completed and renamed the one that we waited
// for.
void ReadingWriter::open_partial() {
  const auto path = partial(".partial");
  for (;;) {
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) return;
    while (::flock(fd_, LOCK_EX) != 0) {
      if (errno != EINTR) throw_user_error("cannot lock ", path.string(), ": ", std::strerror(errno));
    }
    struct stat locked {};
    struct stat named {};
    if (::fstat(fd_, &locked) == 0 && ::stat(path.c_str(), &named) == 0 && locked.st_ino == named.st_ino) break;
    ::close(std::exchange(fd_, -1));
  }
  residual_fd_ = ::open(partial(".residual").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

void ReadingWriter::abandon() {
  TOME_CHECK(keep_);
  for (const char* extension : {".partial", ".residual"}) ::unlink(partial(extension).c_str());
}

ReadingWriter::~ReadingWriter() {
  if (fd_ >= 0) ::close(fd_);
  if (residual_fd_ >= 0) ::close(residual_fd_);
}

std::filesystem::path ReadingWriter::partial(const char* extension) const { return folder_ / (info_.id + extension); }

void ReadingWriter::write_at(int fd, const void* data, std::size_t bytes, std::uint64_t offset,
                             const char* what) const {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t done = ::pwrite(fd, from, bytes, static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {
      throw_user_error(
          "cannot write ", what, " to ", folder_.string(), ": ", std::strerror(errno),
          "; free some space (tome readings list, tome readings rm) and run the command again: it goes on here");
    }
    from += done;
    bytes -= static_cast<std::size_t>(done);
    offset += static_cast<std::uint64_t>(done);
  }
}

void ReadingWriter::begin(std::span<const std::int32_t> tokens, std::span<const std::uint32_t> offsets) {
  const State fresh;
  // The state first: a header that fits must never stand beside the state of another reading.
  if (keep_) write_at(residual_fd_, &fresh, sizeof fresh, 0, "the reading");
  if (::ftruncate(fd_, 0) != 0) throw_user_error("cannot write to ", folder_.string(), ": ", std::strerror(errno));
  write_at(fd_, header_.data(), header_.size(), 0, "the reading");
  write_at(fd_, tokens.data(), tokens.size_bytes(), entries_[0].offset, "the reading");
  write_at(fd_, offsets.data(), offsets.size_bytes(), entries_[1].offset, "the reading");
}

// An interrupted run left its state in the .residual file: layers done, then two slots for the residual stream.
bool ReadingWriter::resume() {
  State state;
  if (::pread(residual_fd_, &state, sizeof state, 0) != sizeof state || state.layers == 0 ||
      state.layers >= config_.layers)
    return false;
  std::string header(header_.size(), '\0');
  if (::pread(fd_, header.data(), header.size(), 0) != static_cast<ssize_t>(header.size()) || header != header_)
    return false;
  layers_done_ = state.layers;
  residual_checksum_ = state.residual_checksum;
  const std::size_t rows = static_cast<std::size_t>(info_.tokens);
  residual_values_ = rows * config_.width;
  return true;
}

void ReadingWriter::load_residual(std::span<bf16> x) const {
  const std::uint64_t offset = 4096 + (layers_done_ % 2) * x.size_bytes();
  char* to = reinterpret_cast<char*>(x.data());
  std::size_t left = x.size_bytes();
  std::uint64_t at = offset;
  while (left > 0) {
    const ssize_t done = ::pread(residual_fd_, to, left, static_cast<off_t>(at));
    if (done <= 0) break;
    to += done;
    left -= static_cast<std::size_t>(done);
    at += static_cast<std::uint64_t>(done);
  }
  if (left > 0 || XXH3_64bits(x.data(), x.size_bytes()) != residual_checksum_) {
    throw_user_error(partial(".residual").string(), ": damaged; remove it and run the command again");
  }
}

void ReadingWriter::write_layer(const KvSequence<bf16>& kv, std::span<const bf16> x) {
  const SafetensorsEntry& entry = entries_[3 + layers_done_];
  std::size_t checksum = 0;
  for (std::size_t layer = 0; layer < layers_done_; ++layer) {
    checksum += stored_blocks(config_, layer, info_.first_block, info_.tokens).size();
  }
  std::uint64_t offset = entry.offset;
  auto block = kv.blocks().begin();
  std::vector<std::uint32_t> quantised(info_.kv == ops::KvType::kNative ? 0 : block_bytes_ / 4);
  for (const std::int64_t b : stored_blocks(config_, layers_done_, info_.first_block, info_.tokens)) {
    while (block != kv.blocks().end() && block->first < b * ops::kKvBlock) ++block;
    TOME_CHECK(block != kv.blocks().end() && block->first == b * ops::kKvBlock);
    const void* bytes = block->k;
    if (block->type != info_.kv) {  // the last block, not full, is still native
      ops::quantize_kv(info_.kv, kv.shape(), block->k, quantised.data());
      bytes = quantised.data();
    } else {
      const auto* v = reinterpret_cast<const std::byte*>(block->v);
      TOME_CHECK(v == reinterpret_cast<const std::byte*>(block->k) + block_bytes_ / 2);
    }
    const std::uint64_t hash = XXH3_64bits(bytes, block_bytes_);
    write_at(fd_, bytes, block_bytes_, offset, "the reading");
    write_at(fd_, &hash, sizeof hash, entries_[2].offset + 8 * checksum++, "the reading");
    offset += block_bytes_;
  }
  ++layers_done_;
  if (!keep_ || layers_done_ == config_.layers) return;
  // The slot of the layer before stays whole until the state, written last, points to this one.
  write_at(residual_fd_, x.data(), x.size_bytes(), 4096 + (layers_done_ % 2) * x.size_bytes(), "the residual stream");
  const State state{layers_done_, XXH3_64bits(x.data(), x.size_bytes())};
  write_at(residual_fd_, &state, sizeof state, 0, "the reading's state");
}

std::filesystem::path ReadingWriter::finish() {
  TOME_CHECK(layers_done_ == config_.layers);
  if (!keep_) return cat("/proc/self/fd/", fd_);
  auto path = partial(".safetensors");
  if (::fsync(fd_) != 0 || ::rename(partial(".partial").c_str(), path.c_str()) != 0) {
    throw_user_error("cannot complete ", path.string(), ": ", std::strerror(errno));
  }
  ::unlink(partial(".residual").c_str());
  return path;
}

}  // namespace tome
