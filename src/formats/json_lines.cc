#include "formats/json_lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "formats/new_file.h"

namespace tome {

JsonLines::JsonLines(std::filesystem::path path, const std::vector<std::string>& lines) : path_(std::move(path)) {
  std::error_code error;
  std::filesystem::create_directories(path_.parent_path(), error);
  NewFile file(path_);
  for (const std::string& line : lines) {
    file.write(line);
    file.write("\n");
  }
  file.finish();
  fd_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd_ < 0) throw_user_error("cannot write to ", path_.string(), ": ", std::strerror(errno));
}

JsonLines::~JsonLines() {
  if (fd_ >= 0) ::close(fd_);
}

void JsonLines::add(const std::string& line) {
  const std::string whole = line + "\n";
  std::string_view left = whole;
  while (!left.empty()) {
    const ssize_t done = ::write(fd_, left.data(), left.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) break;
    left.remove_prefix(static_cast<std::size_t>(done));
  }
  if (!left.empty() || ::fdatasync(fd_) != 0) {
    throw_user_error("cannot write to ", path_.string(), ": ", std::strerror(errno),
                     "; make room and give the same command again: it goes on where it stopped");
  }
}

}  // namespace tome
