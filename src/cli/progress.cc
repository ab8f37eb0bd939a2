#include "cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "cli/output.h"

namespace tome::cli {
namespace {

// Of valid UTF-8.
std::string first_characters(const std::string& text, std::size_t count) {
  std::size_t end = 0;
  for (std::size_t shown = 0; end < text.size(); ++end) {
    const bool begins = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
    if (begins && shown++ == count) break;
  }
  return text.substr(0, end);
}

std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

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

// Rewrites the line. It must not be wider than the terminal, or its beginning could not be found again: the text is
// cut first.
void ProgressLine::put(const std::string& text, const std::string& figures) {
  const std::size_t columns = terminal_columns();
  const std::size_t room = columns - 1 - std::min(columns - 1, figures.size());
  std::fprintf(stderr, "\r\033[K%s%s", first_characters(one_line(text), room).c_str(),
               figures.substr(0, columns - 1).c_str());
  std::fflush(stderr);
}

void ProgressLine::show_bytes(const std::string& text, std::uint64_t done, std::uint64_t total, std::uint64_t before) {
  if (!due()) return;
  const double seconds = std::chrono::duration<double>(last_ - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done - before) / seconds : 0;
  std::string figures = "  " + human_bytes(done);
  if (total > 0) figures += " of " + human_bytes(total);
  figures += cat("  ", human_bytes(static_cast<std::uint64_t>(rate)), "/s");
  if (total > done && rate > 0) figures += cat("  ", clock_time(static_cast<double>(total - done) / rate), " left");
  put(text, figures);
}

void ProgressLine::show(const std::string& text, double done, double total, double tokens) {
  if (!due()) return;
  const double seconds = std::chrono::duration<double>(last_ - start_).count();
  const double left = done > 0 ? seconds * (total - done) / done : 0;
  put(text,
      cat("  ", std::lround(100 * done / total), " %  ", seconds > 0 ? std::lround(tokens * done / total / seconds) : 0,
          " tokens/s  ", clock_time(left), " left"));
}

void ProgressLine::show_fitting(const std::vector<std::string>& forms) {
  if (!due() || forms.empty()) return;
  const std::size_t columns = terminal_columns();
  const auto fits = [&](const std::string& form) { return form.size() < columns; };
  const auto found = std::find_if(forms.begin(), forms.end(), fits);
  put(found != forms.end() ? *found : forms.back(), "");
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

}  // namespace tome::cli
