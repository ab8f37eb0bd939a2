// Writes a reading segment while the text is read, layer by layer, so that an interruption loses at most one layer.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "read/reading.h"

namespace tome {

class ReadingWriter {
 public:
  /// Begins `folder`/`info.id`.partial, or takes up an interrupted one of the same id. Waits for another process that
  /// is writing it. `keep` false: the file has no name and is gone when the program ends. Throws UserError when the
  /// folder cannot be written to.
  ReadingWriter(const std::filesystem::path& folder, const ReadingInfo& info, const ModelConfig& config,
                std::span<const std::int32_t> tokens, std::span<const std::uint32_t> offsets, bool keep);
  ~ReadingWriter();
  ReadingWriter(const ReadingWriter&) = delete;
  ReadingWriter& operator=(const ReadingWriter&) = delete;

  /// Layers already written by an interrupted run; 0 for a fresh one.
  std::size_t layers_done() const { return layers_done_; }
  /// The residual stream after layers_done() layers, when that is above 0.
  void load_residual(std::span<bf16> x) const;

  /// Stores layer layers_done() and the residual stream after it. Throws UserError on a full disk; what is written
  /// stays resumable.
  void write_layer(const KvSequence<bf16>& kv, std::span<const bf16> x);

  /// Completes the file and returns its path (a /proc path for one without a name, valid while this object lives).
  std::filesystem::path finish();
  /// Removes what is written: another process has completed this reading.
  void abandon();

 private:
  struct State {
    std::uint64_t layers = 0;
    std::uint64_t residual_checksum = 0;
  };
  std::filesystem::path partial(const char* extension) const;
  void open_partial();
  void begin(std::span<const std::int32_t> tokens, std::span<const std::uint32_t> offsets);
  bool resume();
  void write_at(int fd, const void* data, std::size_t bytes, std::uint64_t offset, const char* what) const;

  std::filesystem::path folder_;
  ReadingInfo info_;
  const ModelConfig& config_;
  bool keep_;
  int fd_ = -1;
  int residual_fd_ = -1;
  std::size_t block_bytes_;
  std::size_t residual_values_ = 0;
  std::string header_;
  std::vector<SafetensorsEntry> entries_;
  std::size_t layers_done_ = 0;
  std::uint64_t residual_checksum_ = 0;
};

}  // namespace tome
