#include "formats/new_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace tome {

NewFile::NewFile(std::filesystem::path path) : path_(std::move(path)) {
  // A number is taken when another run is writing the same file, or was killed while it did.
  constexpr int kMostLeftovers = 1000;
  for (int i = 0; fd_ < 0 && i < kMostLeftovers; ++i) {
    temporary_ = path_;
    temporary_ += cat(".part", i);
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd_ < 0 && errno != EEXIST) break;
  }
  if (fd_ < 0) fail(errno);
}

NewFile::~NewFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void NewFile::write(std::span<const std::byte> bytes) {
  TOME_CHECK(fd_ >= 0, path_.string(), " is finished");
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    size_ += static_cast<std::uint64_t>(written);
  }
}

void NewFile::finish() {
  TOME_CHECK(fd_ >= 0, path_.string(), " is finished");
  if (::fsync(fd_) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) fail(errno);
  ::close(std::exchange(fd_, -1));
}

void NewFile::fail(int reason) const {
  const bool full = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
  throw_user_error("cannot write ", path_.string(), ": ", std::strerror(reason),
                   full ? "; make room or choose another folder, nothing was kept" : "");
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  NewFile file(path);
  file.write(text);
  file.finish();
}

}  // namespace tome
