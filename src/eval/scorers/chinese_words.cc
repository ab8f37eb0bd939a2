#include "eval/scorers/chinese_words.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>

#include "base/error.h"
#include "formats/json.h"
#include "text/pdf_child.h"

namespace tome::eval {
namespace {

// One JSON text a line in, one JSON list of words a line out. The dictionary is read from the package each time:
// jieba's own cache is a file in the system's folder for temporary files, where anybody may have put another.
constexpr const char* kScript = R"(
import json, sys
try:
    import jieba
except ImportError:
    print("null", flush=True)
    sys.exit()
words = jieba.dt
words.FREQ, words.total = words.gen_pfdict(words.get_dict_file())
words.initialized = True
print("true", flush=True)
for line in sys.stdin.buffer:
    print(json.dumps(list(words.cut(json.loads(line)))), flush=True)
)";

constexpr int kPatience = 120'000;  // milliseconds without a byte from the child
constexpr const char* kInstall = "install the package python3-jieba";

[[noreturn]] void throw_system(const char* what, int error) {
  throw_user_error("python3 for jieba: cannot be started: ", what, ": ", std::strerror(error),
                   "; free memory or processes and try again");
}

}  // namespace

class ChineseWords::Child {
 public:
  explicit Child(const std::filesystem::path& python) { start(python); }

  ~Child() {
    ::close(socket_);
    ::kill(process_, SIGKILL);
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// To be asked once, first.
  bool has_jieba() { return answer() == nlohmann::json(true); }

  Words split(std::string_view text) {
    send(nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n");
    const nlohmann::json words = answer();
    if (!words.is_array()) throw_ended();
    Words result;
    for (const nlohmann::json& word : words) {
      if (!word.is_string()) throw_ended();
      result.push_back(word.get<std::string>());
    }
    return result;
  }

 private:
  void start(const std::filesystem::path& python) {
    std::array<int, 2> ends;
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) throw_system("socketpair", errno);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 0);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    // -I: nothing of the working folder or of PYTHON* variables is run.
    std::array<std::string, 4> words = {"python3", "-I", "-c", kScript};
    std::array<char*, 5> arguments = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
    const int error = ::posix_spawn(&process_, python.c_str(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    socket_ = ends[0];
    if (error == 0) return;
    ::close(socket_);
    throw_system("posix_spawn", error);
  }

  [[noreturn]] static void throw_ended() {
    throw_user_error(
        "jieba in python3 ended or gave no answer; check python3 -c 'import jieba' (package python3-jieba)");
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) throw_ended();
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  nlohmann::json answer() {
    std::string line;
    std::array<char, 1 << 16> buffer;
    while (line.empty() || line.back() != '\n') {
      pollfd waiting = {socket_, POLLIN, 0};
      const int ready = ::poll(&waiting, 1, kPatience);
      if (ready < 0 && errno == EINTR) continue;
      const ssize_t got = ready > 0 ? ::recv(socket_, buffer.data(), buffer.size(), 0) : 0;
      if (got <= 0) throw_ended();
      line.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return parse_json(std::as_bytes(std::span(line)), "jieba", 2);
  }

  pid_t process_ = -1;
  int socket_ = -1;
};

ChineseWords::ChineseWords(std::vector<std::filesystem::path> pythons) : pythons_(std::move(pythons)) {}
ChineseWords::~ChineseWords() = default;

std::vector<std::filesystem::path> ChineseWords::debian_then_path() {
  return {"/usr/bin/python3", find_program("python3")};
}

Words ChineseWords::split(std::string_view text) {
  const std::lock_guard lock(one_at_a_time_);
  for (std::size_t i = 0; !child_ && i < pythons_.size(); ++i) {
    if (::access(pythons_[i].c_str(), X_OK) != 0) continue;
    auto child = std::make_unique<Child>(pythons_[i]);
    if (child->has_jieba()) child_ = std::move(child);
  }
  if (!child_) throw_user_error("no python3 with jieba: Chinese answers are scored by its words; ", kInstall);
  return child_->split(text);
}

}  // namespace tome::eval
