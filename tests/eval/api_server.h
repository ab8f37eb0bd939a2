// Servers on this machine that behave well or badly, for what speaks to model services.
#pragma once

#include <arpa/inet.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"

namespace tome::eval {

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(); }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// Answers every POST through `reply`, and remembers what came.
class ApiServer {
 public:
  struct Call {
    std::string path, body;
    httplib::Headers headers;
    double seconds = 0;  // since the server began

    nlohmann::json json() const { return nlohmann::json::parse(body); }
    std::string header(const std::string& name) const {
      const auto found = headers.find(name);
      return found == headers.end() ? "" : found->second;
    }
  };
  /// `call` counts from 0.
  using Reply = std::function<void(std::size_t call, const httplib::Request&, httplib::Response&)>;

  explicit ApiServer(Reply reply) : reply_(std::move(reply)) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(16); };
    server_.Post(".*", [this](const httplib::Request& request, httplib::Response& response) {
      std::size_t call = 0;
      {
        const std::lock_guard lock(mutex_);
        call = calls_.size();
        calls_.push_back({request.path, request.body, request.headers, watch_.seconds()});
        most_under_way_ = std::max(most_under_way_, ++under_way_);
      }
      reply_(call, request, response);
      const std::lock_guard lock(mutex_);
      --under_way_;
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ~ApiServer() {
    server_.stop();
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<Call> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  int most_under_way() const {
    const std::lock_guard lock(mutex_);
    return most_under_way_;
  }

 private:
  Reply reply_;
  httplib::Server server_;
  std::thread thread_;
  int port_ = 0;
  Stopwatch watch_;
  mutable std::mutex mutex_;
  std::vector<Call> calls_;
  int under_way_ = 0, most_under_way_ = 0;
};

/// Reads the request of each connection and hands its socket to `serve`, which writes what it likes.
class SocketServer {
 public:
  explicit SocketServer(std::function<void(int socket, const std::atomic<bool>& over)> serve, int backlog = 16,
                        bool accepts = true)
      : serve_(std::move(serve)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, backlog);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    if (accepts) thread_ = std::thread([this] { accept_all(); });
  }
  ~SocketServer() {
    over_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    for (std::thread& thread : connections_) thread.join();
    ::close(listener_);
  }

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int connections() const { return count_; }

  static bool write(int socket, const std::string& text) {
    return ::send(socket, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }

 private:
  void accept_all() {
    for (;;) {
      const int socket = ::accept(listener_, nullptr, nullptr);
      if (socket < 0) return;
      ++count_;
      connections_.emplace_back([this, socket] {
        char buffer[4096];
        if (::recv(socket, buffer, sizeof buffer, 0) > 0) serve_(socket, over_);
        // A socket that is closed with unread bytes resets the connection, and what was sent may be lost: read the
        // rest.
        const timeval most{1, 0};
        ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
        ::shutdown(socket, SHUT_WR);
        while (::recv(socket, buffer, sizeof buffer, 0) > 0) continue;
        ::close(socket);
      });
    }
  }

  std::function<void(int, const std::atomic<bool>&)> serve_;
  int listener_, port_ = 0;
  std::atomic<bool> over_{false};
  std::atomic<int> count_{0};
  std::thread thread_;
  std::vector<std::thread> connections_;
};

/// A folder of its own, gone with it.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "tome_eval_test.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }
  /// All files by name.
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> result;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      result[entry.path().filename().string()] = {std::istreambuf_iterator<char>(in), {}};
    }
    return result;
  }

 private:
  std::filesystem::path path_;
};

/// An environment variable, put back at the end.
class WithVariable {
 public:
  WithVariable(std::string name, const char* value) : name_(std::move(name)) {
    if (const char* before = std::getenv(name_.c_str())) before_ = before;
    if (value != nullptr) {
      ::setenv(name_.c_str(), value, 1);
    } else {
      ::unsetenv(name_.c_str());
    }
  }
  ~WithVariable() {
    if (before_) {
      ::setenv(name_.c_str(), before_->c_str(), 1);
    } else {
      ::unsetenv(name_.c_str());
    }
  }
  WithVariable(const WithVariable&) = delete;
  WithVariable& operator=(const WithVariable&) = delete;

 private:
  std::string name_;
  std::optional<std::string> before_;
};

/// What a call throws, or "".
template <typename Call>
std::string user_error_of(const Call& call) {
  try {
    call();
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

}  // namespace tome::eval
