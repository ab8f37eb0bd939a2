// When a request is tried again, and how long to wait before.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace tome::eval {

/// 408, 409, 425, 429 and 5xx: the same request may go better later.
bool may_go_better(int status);

/// Seconds of a Retry-After header (RFC 9110, 10.2.3): a number, or an HTTP date (IMF-fixdate) less `now`; at least 0.
/// Nothing: the header is absent or says something else.
std::optional<double> retry_after(std::string_view header, std::chrono::system_clock::time_point now);

/// first * 2^(attempt - 1), at most `longest`, times a number in [0.5, 1] that seed, name and attempt decide. attempt
/// >= 1.
double back_off(double first, double longest, int attempt, std::uint64_t seed, std::string_view name);

/// False when `stopped` became true before.
bool wait_until(std::chrono::steady_clock::time_point time, const std::function<bool()>& stopped);
bool wait_for(double seconds, const std::function<bool()>& stopped);

/// Spaces the requests of all threads evenly.
class RequestPacer {
 public:
  explicit RequestPacer(double requests_per_minute);  // 0: no limit

  /// Returns when the next request may start; false: stopped.
  bool wait(const std::function<bool()>& stopped);
  /// Nobody starts a request in the next `seconds`: the service asked for it.
  void hold(double seconds);

 private:
  std::chrono::steady_clock::duration interval_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace tome::eval
