// Disk space that is reserved at once, for data that may leave memory: a file without a name, or one with a name that
// a later run finds again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace tome {

class ScratchFile {
 public:
  ScratchFile() = default;
  /// `bytes` of zeros in `folder` (made when it is not there), gone when the process ends, however it ends. `what`
  /// names the contents in errors ("layer activations"). Throws UserError naming folder, bytes needed and bytes free
  /// when they do not fit, before anything is written.
  ScratchFile(const std::filesystem::path& folder, std::uint64_t bytes, std::string what);
  /// The file `path`, which stays: opened with its contents when it has exactly `bytes`, made anew otherwise.
  static ScratchFile named(const std::filesystem::path& path, std::uint64_t bytes, std::string what);
  ~ScratchFile();
  ScratchFile(ScratchFile&& other) noexcept;
  ScratchFile& operator=(ScratchFile&& other) noexcept;
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  int descriptor() const { return fd_; }
  std::uint64_t size() const { return size_; }
  /// named() found the file: its bytes are those of an earlier run.
  bool was_there() const { return was_there_; }

  /// Throw UserError naming folder, contents and the system's reason.
  void write(std::uint64_t offset, std::span<const std::byte> bytes) const;
  void read(std::uint64_t offset, std::span<std::byte> bytes) const;

  [[noreturn]] void fail(const char* verb, int reason) const;

 private:
  ScratchFile(std::filesystem::path folder, std::string what, std::uint64_t bytes, int fd);
  void reserve();

  std::filesystem::path folder_;
  std::string what_;
  std::uint64_t size_ = 0;
  int fd_ = -1;
  bool was_there_ = false;
};

}  // namespace tome
