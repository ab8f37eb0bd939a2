#include "base/resources.h"

#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

namespace tome {
namespace {

std::atomic<std::uint64_t> largest_private{0};

// A "Name:   123 kB" line of /proc/self/status, in bytes.
std::uint64_t status_bytes(const std::string& status, const char* name) {
  const std::size_t at = status.find(name);
  if (at == std::string::npos) return 0;
  return std::strtoull(status.c_str() + at + std::char_traits<char>::length(name), nullptr, 10) * 1024;
}

std::string read_status() {
  std::ifstream file("/proc/self/status");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

MemoryUse memory_use() {
  const std::string status = read_status();
  return {status_bytes(status, "VmRSS:"), status_bytes(status, "RssAnon:") + status_bytes(status, "RssShmem:")};
}

std::uint64_t peak_rss() { return status_bytes(read_status(), "VmHWM:"); }

void sample_private_peak() {
  const std::uint64_t now = memory_use().anonymous;
  std::uint64_t seen = largest_private.load();
  while (now > seen && !largest_private.compare_exchange_weak(seen, now)) {
  }
}

std::uint64_t peak_private() {
  sample_private_peak();
  return largest_private.load();
}

void return_freed_memory() { ::malloc_trim(0); }

double process_seconds() {
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text);
  std::istringstream fields(text.substr(text.rfind(')') + 2));  // the name may hold blanks
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;  // field 22: start time in clock ticks since boot
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  const double started = std::stod(field) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec) - started;
}

}  // namespace tome
