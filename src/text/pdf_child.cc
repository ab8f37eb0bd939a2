#include "text/pdf_child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace tome {
namespace {

constexpr std::size_t kMaxErrors = 1 << 16;

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { close(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

[[noreturn]] void throw_system(const char* what) {
  throw_user_error("pdftotext: cannot be started: ", what, ": ", std::strerror(errno),
                   "; free memory or processes and try again");
}

// Out of the way of the standard streams, which may be closed: their numbers are the child's.
Fd above_streams(int fd) {
  const Fd low(fd);
  Fd high(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (high.get() < 0) throw_system("fcntl");
  return high;
}

struct Pipe {
  Fd read, write;
  Pipe() {
    std::array<int, 2> ends;
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_system("pipe");
    read = above_streams(ends[0]);
    write = above_streams(ends[1]);
  }
};

Fd memory_file(std::string_view bytes) {
  const int created = ::memfd_create("document", MFD_CLOEXEC);
  if (created < 0) throw_system("memfd_create");
  Fd file = above_streams(created);
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t written = ::write(file.get(), bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw_system("write");
    done += static_cast<std::size_t>(written);
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

void limit(__rlimit_resource_t resource, rlim_t value) {
  const rlimit both{value, value};
  ::setrlimit(resource, &both);
}

// Only calls that are safe between fork and exec.
[[noreturn]] void become(const char* program, char* const* arguments, const std::array<int, 3>& streams,
                         const ChildLimits& limits) {
  for (int i = 0; i < 3; ++i) {
    if (::dup2(streams[static_cast<std::size_t>(i)], i) < 0) ::_exit(126);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  limit(RLIMIT_CPU, static_cast<rlim_t>(limits.processor_time.count()));
  limit(RLIMIT_AS, limits.memory);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, 64);
  ::execv(program, arguments);
  ::_exit(127);
}

// Appends what there is to read; false at the end of the stream.
bool drain(int fd, std::string& to, std::size_t max) {
  std::array<char, 1 << 16> buffer;
  const ssize_t got = ::read(fd, buffer.data(), buffer.size());
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  to.append(buffer.data(), std::min(static_cast<std::size_t>(got), max - std::min(max, to.size())));
  return got > 0;
}

// Reads both streams until they end or a limit is passed.
void listen(Fd& output, Fd& errors, const ChildLimits& limits, ChildResult& result) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + limits.wall_time;
  while (output.get() >= 0 || errors.get() >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    result.too_long = left <= 0;
    result.too_much = result.output.size() > limits.output;
    if (result.too_long || result.too_much) return;
    std::array<pollfd, 2> streams = {{{output.get(), POLLIN, 0}, {errors.get(), POLLIN, 0}}};
    if (::poll(streams.data(), streams.size(), static_cast<int>(std::min<long long>(left, 1000))) <= 0) continue;
    if (streams[0].revents != 0 && !drain(output.get(), result.output, limits.output + 1)) output.close();
    if (streams[1].revents != 0 && !drain(errors.get(), result.errors, kMaxErrors)) errors.close();
  }
}

}  // namespace

std::filesystem::path find_program(std::string_view name) {
  const char* variable = std::getenv("PATH");
  const std::string_view path = variable == nullptr ? "/usr/local/bin:/usr/bin:/bin" : variable;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    std::filesystem::path program = std::filesystem::path(path.substr(at, end - at)) / name;
    if (end > at && ::access(program.c_str(), X_OK) == 0) return program;
    at = end + 1;
  }
  return {};
}

ChildResult run_child(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                      std::string_view input, const ChildLimits& limits) {
  const Fd file = memory_file(input);
  Pipe output, errors;
  std::vector<std::string> words = {program.filename().string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw_system("fork");
  if (child == 0) {
    become(program.c_str(), pointers.data(), {file.get(), output.write.get(), errors.write.get()}, limits);
  }
  output.write.close();
  errors.write.close();
  ChildResult result;
  listen(output.read, errors.read, limits, result);
  if (result.too_long || result.too_much) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL)) {
    result.too_long = !result.too_much;
  }
  return result;
}

}  // namespace tome
