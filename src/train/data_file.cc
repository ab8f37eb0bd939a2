#include "train/data_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace tome {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 20;
constexpr std::string_view kBom = "\xEF\xBB\xBF";
constexpr std::string_view kBlank = " \t\r\v\f";

class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& path)
      : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (fd_ < 0) throw_user_error("cannot open ", path.string(), ": ", std::strerror(errno));
    struct stat info {};
    if (::fstat(fd_, &info) == 0 && S_ISREG(info.st_mode)) return;
    ::close(fd_);
    throw_user_error("cannot read ", path.string(),
                     ": it is not a regular file, and training reads its data many times");
  }
  ~OpenFile() { ::close(fd_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  /// Fewer than `bytes` only at the file's end.
  std::string read(std::uint64_t offset, std::size_t bytes) const {
    std::string text(bytes, '\0');
    std::size_t done = 0;
    while (done < bytes) {
      const ssize_t got = ::pread(fd_, text.data() + done, bytes - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw_user_error("cannot read ", path_.string(), ": ", std::strerror(errno));
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    text.resize(done);
    return text;
  }

 private:
  const std::filesystem::path& path_;
  int fd_;
};

// Gathers lines from the file's blocks.
class LineGatherer {
 public:
  LineGatherer(std::uint64_t longest, const std::function<void(const LinePlace&, std::string_view)>& use)
      : longest_(longest), use_(use) {}

  void push(std::string_view block) {
    while (!block.empty()) {
      const std::size_t end = block.find('\n');
      grow(block.substr(0, end));
      if (end == std::string_view::npos) return;
      finish();
      block.remove_prefix(end + 1);
    }
  }
  void finish() {
    std::string_view text = line_;
    LinePlace place{number_, offset_, bytes_};
    if (number_ == 1 && text.starts_with(kBom)) {
      text.remove_prefix(kBom.size());
      place.offset += kBom.size();
      place.bytes -= kBom.size();
    }
    const bool too_long = bytes_ > longest_;
    if (too_long || text.find_first_not_of(kBlank) != std::string_view::npos) {
      use_(place, too_long ? std::string_view() : text);
    }
    ++number_;
    offset_ += bytes_ + 1;
    bytes_ = 0;
    line_.clear();
  }

 private:
  void grow(std::string_view part) {
    bytes_ += part.size();
    if (bytes_ <= longest_) line_ += part;
  }

  std::uint64_t longest_;
  const std::function<void(const LinePlace&, std::string_view)>& use_;
  std::string line_;
  std::int64_t number_ = 1;
  std::uint64_t offset_ = 0, bytes_ = 0;
};

}  // namespace

void each_line(const std::filesystem::path& path, std::uint64_t longest,
               const std::function<void(const LinePlace&, std::string_view)>& use) {
  const OpenFile file(path);
  LineGatherer lines(longest, use);
  std::uint64_t offset = 0;
  for (std::string block = file.read(0, kBlock); !block.empty(); block = file.read(offset, kBlock)) {
    lines.push(block);
    offset += block.size();
  }
  lines.finish();
}

std::string read_line(const std::filesystem::path& path, const LinePlace& place) {
  std::string line = OpenFile(path).read(place.offset, place.bytes);
  if (line.size() < place.bytes) {
    throw_user_error(path.string(), ":", place.number, ": is gone, the file has changed since training began");
  }
  return line;
}

char first_byte(const std::filesystem::path& path) {
  const std::string head = OpenFile(path).read(0, std::size_t{64} << 10);
  const std::size_t at = head.find_first_not_of(" \t\r\n\v\f", head.starts_with(kBom) ? kBom.size() : 0);
  return at == std::string::npos ? '\0' : head[at];
}

}  // namespace tome
