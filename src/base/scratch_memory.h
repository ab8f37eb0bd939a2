// Memory that the system may write to disk and take back: a mapped scratch file. Or ordinary memory, by choice.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "base/aligned.h"
#include "base/scratch_file.h"

namespace tome {

class ScratchMemory {
 public:
  /// Zeros, aligned to 64 bytes. `folder` empty: ordinary memory. Otherwise pages of an unnamed file there, which count
  /// as file pages and not as private memory (on a disk; a tmpfs folder gains nothing). Throws UserError when the disk
  /// lacks room, never later: a store into a mapped page that finds no room would end the process.
  ScratchMemory(std::size_t bytes, const std::filesystem::path& folder, std::string what);
  ~ScratchMemory();
  ScratchMemory(const ScratchMemory&) = delete;
  ScratchMemory& operator=(const ScratchMemory&) = delete;

  std::span<std::byte> bytes() const { return {data_, size_}; }

 private:
  ScratchFile file_;
  AlignedBuffer<std::byte> memory_;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace tome
