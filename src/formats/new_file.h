// A file that appears whole or not at all: written under a temporary name beside its own, synced, then renamed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace tome {

class NewFile {
 public:
  /// Throws UserError naming the path when the folder cannot be written to. An existing file at `path` is replaced, but
  /// only by finish(): whoever wants to keep it asks before.
  explicit NewFile(std::filesystem::path path);
  /// Without finish() before, nothing is left behind.
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  /// Appends. Throws UserError naming the path and the system's reason, such as a full disk.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }

  /// Bytes written up to now.
  std::uint64_t size() const { return size_; }

  void finish();

 private:
  [[noreturn]] void fail(int reason) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

/// A file with this text; replaces one that is there at once. Throws UserError naming the path.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace tome
