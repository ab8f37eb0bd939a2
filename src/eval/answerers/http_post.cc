#include "eval/answerers/http_post.h"

#include <fcntl.h>
#include <httplib.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/error.h"

namespace tome::eval {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kLook = std::chrono::milliseconds(50);
constexpr double kConnectSeconds = 20;
constexpr std::size_t kKeptOfTooLarge = 4096;

/// Closes the connection of a request from outside, when its time is over or it is stopped. It holds a descriptor of
/// its own for the socket, whose number no other thread can come by meanwhile.
class Watch {
 public:
  Watch(double seconds, const std::function<bool()>& stopped)
      : end_(Clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000))), stopped_(stopped) {
    thread_ = std::thread([this] { work(); });
  }
  ~Watch() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    wake_.notify_one();
    thread_.join();
    if (socket_ >= 0) ::close(socket_);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void follow(int socket) {
    const std::lock_guard lock(mutex_);
    if (socket_ >= 0) ::close(socket_);
    socket_ = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
  }
  HttpFailure reason() {
    const std::lock_guard lock(mutex_);
    return reason_;
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (!done_) {
      if (reason_ == HttpFailure::kNone && stopped_()) reason_ = HttpFailure::kStopped;
      if (reason_ == HttpFailure::kNone && Clock::now() >= end_) reason_ = HttpFailure::kTimeout;
      // Again each time: the client may be on its way to another address of the host.
      if (reason_ != HttpFailure::kNone && socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
      wake_.wait_for(lock, kLook);
    }
  }

  const Clock::time_point end_;
  const std::function<bool()>& stopped_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_;
  HttpFailure reason_ = HttpFailure::kNone;
  int socket_ = -1;
  bool done_ = false;
};

/// A server that hangs up while we write must not end the process: the signal is kept from this thread.
class WithoutBrokenPipe {
 public:
  WithoutBrokenPipe() {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutBrokenPipe() {
    if (::sigismember(&before_, SIGPIPE) == 1) return;
    const timespec at_once = {0, 0};
    while (::sigtimedwait(&pipe_, nullptr, &at_once) == SIGPIPE) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutBrokenPipe(const WithoutBrokenPipe&) = delete;
  WithoutBrokenPipe& operator=(const WithoutBrokenPipe&) = delete;

 private:
  sigset_t pipe_ = {}, before_ = {};
};

std::unique_ptr<httplib::ClientImpl> make_client(const HttpRequest& request, Watch& watch) {
  const HttpUrl& url = request.url;
  std::unique_ptr<httplib::ClientImpl> client;
  if (url.https) {
    client = std::make_unique<httplib::SSLClient>(url.host, url.port);
  } else {
    client = std::make_unique<httplib::ClientImpl>(url.host, url.port);
  }
  const auto whole = std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(request.timeout_seconds * 1000)));
  const auto connect = std::chrono::milliseconds(static_cast<std::int64_t>(kConnectSeconds * 1000));
  client->set_connection_timeout(std::min(whole, connect));
  client->set_read_timeout(whole);
  client->set_write_timeout(whole);
  client->set_follow_location(false);
  client->set_decompress(false);
  client->set_url_encode(false);
  client->set_tcp_nodelay(true);
  client->set_socket_options([&watch](int socket) { watch.follow(socket); });
  return client;
}

HttpFailure failure_of(httplib::Error error) {
  using httplib::Error;
  switch (error) {
    case Error::Success:
      return HttpFailure::kNone;
    case Error::Connection:
    case Error::ConnectionTimeout:
    case Error::BindIPAddress:
    case Error::SSLConnection:
      return HttpFailure::kUnreachable;
    case Error::SSLLoadingCerts:
    case Error::SSLServerVerification:
      return HttpFailure::kCertificate;
    default:
      return HttpFailure::kBroken;
  }
}

std::string in_words(HttpFailure failure, const HttpRequest& request) {
  switch (failure) {
    case HttpFailure::kNone:
      return "";
    case HttpFailure::kStopped:
      return "stopped";
    case HttpFailure::kTimeout:
      return cat("no whole response within ", request.timeout_seconds, " s");
    case HttpFailure::kUnreachable:
      return "no connection";
    case HttpFailure::kCertificate:
      return "the server's certificate is not valid here";
    case HttpFailure::kBroken:
      return "the connection broke off";
    case HttpFailure::kTooLarge:
      return cat("a response of more than ", request.largest_response, " bytes");
  }
  TOME_CHECK(false);
}

HttpHeaders lower_case(const httplib::Headers& headers) {
  HttpHeaders result;
  for (const auto& [name, value] : headers) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    result.emplace_back(std::move(lower), value);
  }
  return result;
}

}  // namespace

std::string HttpResponse::header(const std::string& name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return "";
}

HttpResponse http_post(const HttpRequest& request, const std::function<bool()>& stopped) {
  const auto begin = Clock::now();
  const WithoutBrokenPipe quiet;
  Watch watch(request.timeout_seconds, stopped);
  const auto client = make_client(request, watch);
  HttpResponse response;
  bool too_large = false;
  httplib::Request sent;
  sent.method = "POST";
  sent.path = request.url.path.empty() ? "/" : request.url.path;
  sent.headers = {{"User-Agent", "tome/0.1.0"}, {"Accept-Encoding", "identity"}, {"Content-Type", "application/json"}};
  for (const auto& [name, value] : request.headers) sent.headers.emplace(name, value);
  sent.body = request.body;
  sent.content_receiver = [&](const char* data, std::size_t bytes, std::uint64_t, std::uint64_t) {
    too_large = too_large || response.body.size() + bytes > request.largest_response;
    if (!too_large) response.body.append(data, bytes);
    return !too_large;
  };
  httplib::Response received;
  httplib::Error error = httplib::Error::Success;
  client->send(sent, received, error);
  response.status = std::max(received.status, 0);
  response.headers = lower_case(received.headers);
  response.failure = too_large ? HttpFailure::kTooLarge : failure_of(error);
  // Also when the client is content: a body without a stated length ends where we closed the connection.
  if (!too_large && watch.reason() != HttpFailure::kNone) response.failure = watch.reason();
  if (too_large) response.body.resize(std::min(response.body.size(), kKeptOfTooLarge));
  response.problem = in_words(response.failure, request);
  response.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return response;
}

}  // namespace tome::eval
