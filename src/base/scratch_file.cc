#include "base/scratch_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace tome {
namespace {

// Not every file system has O_TMPFILE.
int open_unnamed(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
  std::string name = (folder / ".scratch-XXXXXX").string();
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

std::string mebibytes(std::uint64_t bytes) { return cat((bytes + (1 << 20) - 1) >> 20, " MiB"); }

}  // namespace

ScratchFile::ScratchFile(std::filesystem::path folder, std::string what, std::uint64_t bytes, int fd)
    : folder_(std::move(folder)), what_(std::move(what)), size_(bytes), fd_(fd) {}

ScratchFile::ScratchFile(const std::filesystem::path& folder, std::uint64_t bytes, std::string what)
    : folder_(folder), what_(std::move(what)), size_(bytes) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  fd_ = open_unnamed(folder);
  if (fd_ < 0) fail("keep", errno);
  try {
    reserve();
  } catch (...) {  // a constructor that throws runs no destructor
    ::close(fd_);
    throw;
  }
}

ScratchFile ScratchFile::named(const std::filesystem::path& path, std::uint64_t bytes, std::string what) {
  ScratchFile file(path.parent_path(), std::move(what), bytes, -1);
  std::error_code error;
  std::filesystem::create_directories(file.folder_, error);
  file.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file.fd_ < 0) file.fail("keep", errno);
  struct stat status {};
  if (::fstat(file.fd_, &status) != 0) file.fail("keep", errno);
  if (bytes > 0 && static_cast<std::uint64_t>(status.st_size) == bytes) {
    file.was_there_ = true;
    return file;
  }
  if (::ftruncate(file.fd_, 0) != 0) file.fail("keep", errno);
  try {
    file.reserve();
  } catch (...) {
    ::unlink(path.c_str());
    throw;
  }
  return file;
}

// Blocks are taken now, so that a full disk shows before the work and not in its middle.
void ScratchFile::reserve() {
  if (size_ == 0) return;
  int reason = 0;
  do {
    reason = ::posix_fallocate(fd_, 0, static_cast<off_t>(size_));
  } while (reason == EINTR);
  if (reason != 0) fail("keep", reason);
}

ScratchFile::~ScratchFile() {
  if (fd_ >= 0) ::close(fd_);
}

ScratchFile::ScratchFile(ScratchFile&& other) noexcept { *this = std::move(other); }

ScratchFile& ScratchFile::operator=(ScratchFile&& other) noexcept {
  std::swap(folder_, other.folder_);
  std::swap(what_, other.what_);
  std::swap(size_, other.size_);
  std::swap(fd_, other.fd_);
  std::swap(was_there_, other.was_there_);
  return *this;
}

void ScratchFile::write(std::uint64_t offset, std::span<const std::byte> bytes) const {
  TOME_CHECK(offset <= size_ && bytes.size() <= size_ - offset, offset, " + ", bytes.size(), " of ", size_);
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) fail("write", done < 0 ? errno : EIO);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
}

void ScratchFile::read(std::uint64_t offset, std::span<std::byte> bytes) const {
  TOME_CHECK(offset <= size_ && bytes.size() <= size_ - offset, offset, " + ", bytes.size(), " of ", size_);
  while (!bytes.empty()) {
    const ssize_t done = ::pread(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) fail("read", done < 0 ? errno : EIO);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
}

void ScratchFile::fail(const char* verb, int reason) const {
  std::error_code error;
  const auto space = std::filesystem::space(folder_, error);
  const std::string room =
      error ? std::string() : cat(" (needs ", mebibytes(size_), ", free ", mebibytes(space.available), ")");
  const bool full = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
  throw_user_error("cannot ", verb, " ", what_, " in ", folder_.string(), room, ": ", std::strerror(reason), "; ",
                   full ? "make room there or choose a folder on a larger disk"
                        : "check that the folder is on a healthy disk and can be written to");
}

}  // namespace tome
