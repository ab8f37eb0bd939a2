#include "eval/answerers/api_retry.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <iomanip>
#include <locale>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "eval/choices.h"

namespace tome::eval {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kLook = std::chrono::milliseconds(50);

Clock::duration of_seconds(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

/// "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<std::chrono::sys_seconds> http_date(std::string_view text) {
  std::istringstream in{std::string(text)};
  in.imbue(std::locale::classic());
  std::tm time = {};
  in >> std::get_time(&time, "%a, %d %b %Y %H:%M:%S GMT");
  if (in.fail()) return std::nullopt;
  namespace chrono = std::chrono;
  const chrono::year_month_day date{chrono::year(time.tm_year + 1900),
                                    chrono::month(static_cast<unsigned>(time.tm_mon + 1)),
                                    chrono::day(static_cast<unsigned>(time.tm_mday))};
  if (!date.ok()) return std::nullopt;
  return chrono::sys_days(date) + chrono::hours(time.tm_hour) + chrono::minutes(time.tm_min) +
         chrono::seconds(time.tm_sec);
}

}  // namespace

bool may_go_better(int status) {
  return status == 408 || status == 409 || status == 425 || status == 429 || status >= 500;
}

std::optional<double> retry_after(std::string_view header, std::chrono::system_clock::time_point now) {
  double seconds = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), seconds);
  if (error == std::errc() && end == header.data() + header.size()) {
    return std::isfinite(seconds) ? std::optional(std::max(seconds, 0.0)) : std::nullopt;
  }
  const auto date = http_date(header);
  if (!date) return std::nullopt;
  using Seconds = std::chrono::duration<double>;  // whole nanoseconds end in the year 2262
  return std::max((Seconds(date->time_since_epoch()) - Seconds(now.time_since_epoch())).count(), 0.0);
}

double back_off(double first, double longest, int attempt, std::uint64_t seed, std::string_view name) {
  TOME_CHECK(attempt >= 1);
  Choices choices(seed, cat("back-off ", attempt, " ", name));
  return std::min(std::ldexp(first, std::min(attempt - 1, 30)), longest) * (0.5 + 0.5 * choices.uniform());
}

bool wait_until(Clock::time_point time, const std::function<bool()>& stopped) {
  for (;;) {
    if (stopped()) return false;
    const auto now = Clock::now();
    if (now >= time) return true;
    std::this_thread::sleep_for(std::min<Clock::duration>(time - now, kLook));
  }
}

bool wait_for(double seconds, const std::function<bool()>& stopped) {
  return wait_until(Clock::now() + of_seconds(seconds), stopped);
}

RequestPacer::RequestPacer(double requests_per_minute)
    : interval_(requests_per_minute > 0 ? of_seconds(60 / requests_per_minute) : Clock::duration::zero()),
      next_(Clock::now()) {}

bool RequestPacer::wait(const std::function<bool()>& stopped) {
  for (;;) {
    Clock::time_point mine;
    {
      const std::lock_guard lock(mutex_);
      mine = next_;
      if (const auto now = Clock::now(); mine <= now) {
        next_ = now + interval_;
        return !stopped();
      }
    }
    if (!wait_until(mine, stopped)) return false;
  }
}

void RequestPacer::hold(double seconds) {
  const std::lock_guard lock(mutex_);
  next_ = std::max(next_, Clock::now() + of_seconds(seconds));
}

}  // namespace tome::eval
