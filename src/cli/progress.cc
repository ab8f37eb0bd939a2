#include "cli/progress.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/error.h"

namespace tome::cli {

ProgressLine::ProgressLine(bool quiet) : start_(std::chrono::steady_clock::now()), last_(start_) {
  const char* term = std::getenv("TERM");
  on_ = !quiet && ::isatty(STDERR_FILENO) == 1 && (term == nullptr || std::string_view(term) != "dumb");
}

// At most five lines a second.
bool ProgressLine::due() {
  if (!on_) return false;
  const auto now = std::chrono::steady_clock::now();
  if (shown_ && now - last_ < std::chrono::milliseconds(200)) return false;
  last_ = now;
  shown_ = true;
  return true;
}

void ProgressLine::show_bytes(const std::string& text, std::uint64_t done, std::uint64_t total, std::uint64_t before) {
  if (!due()) return;
  const double seconds = std::chrono::duration<double>(last_ - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done - before) / seconds : 0;
  std::fprintf(stderr, "\r\033[K%s  %s", text.c_str(), human_bytes(done).c_str());
  if (total > 0) std::fprintf(stderr, " of %s", human_bytes(total).c_str());
  std::fprintf(stderr, "  %s/s", human_bytes(static_cast<std::uint64_t>(rate)).c_str());
  if (total > done && rate > 0)
    std::fprintf(stderr, "  %s left", clock_time(static_cast<double>(total - done) / rate).c_str());
  std::fflush(stderr);
}

void ProgressLine::show(const std::string& text, double done, double total, double tokens) {
  if (!due()) return;
  const double seconds = std::chrono::duration<double>(last_ - start_).count();
  const double left = done > 0 ? seconds * (total - done) / done : 0;
  std::fprintf(stderr, "\r\033[K%s  %3.0f %%  %.0f tokens/s  %s left", text.c_str(), 100 * done / total,
               seconds > 0 ? tokens * done / total / seconds : 0, clock_time(left).c_str());
  std::fflush(stderr);
}

void ProgressLine::clear() {
  if (!shown_) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  shown_ = false;
}

std::string clock_time(double seconds) {
  const auto s = static_cast<long>(std::lround(seconds));
  char text[32];
  if (s >= 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld", s / 60, s % 60);
  }
  return text;
}

std::string human_bytes(std::uint64_t bytes) {
  char text[32];
  const double mib = static_cast<double>(bytes) / (1 << 20);
  if (mib >= 1024) {
    std::snprintf(text, sizeof text, "%.1f GiB", mib / 1024);
  } else {
    std::snprintf(text, sizeof text, "%.0f MiB", mib);
  }
  return text;
}

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto i = static_cast<std::ptrdiff_t>(digits.size()) - 3; i > (number < 0 ? 1 : 0); i -= 3) {
    digits.insert(static_cast<std::size_t>(i), ",");
  }
  return digits;
}

}  // namespace tome::cli
