// A file mapped read-only into memory. Clean pages: the system can take them back at any time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace tome {

class MappedFile {
 public:
  MappedFile() = default;
  /// Throws UserError naming the path and the system's reason when the file cannot be opened or is not a regular file.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  /// The whole file; empty for an empty file.
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

  /// Drops the resident pages that lie wholly inside `part` (a sub-span of bytes()); later reads fault them in again.
  void release(std::span<const std::byte> part) const;
  /// Asks the system to read `part` ahead.
  void will_need(std::span<const std::byte> part) const;

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::filesystem::path path_;
};

}  // namespace tome
