#include "base/threads.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "base/error.h"

namespace tome {
namespace {

// Workers spin this long for the next loop before they sleep: decoding starts hundreds of short loops a token.
constexpr auto kSpin = std::chrono::microseconds(200);

void pause_briefly() { __builtin_ia32_pause(); }

// Cores allowed by cgroup v2's or v1's quota; a large number when there is none.
double quota_cores() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string limit;
  double period = 0;
  if (v2 >> limit >> period && limit != "max" && period > 0) return std::stod(limit) / period;
  std::ifstream quota_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream period_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double quota = 0;
  if (quota_file >> quota && period_file >> period && quota > 0 && period > 0) return quota / period;
  return 1e9;
}

}  // namespace

int usable_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (::sched_getaffinity(0, sizeof mask, &mask) != 0) return 1;
  std::set<std::string> cores;  // one entry per physical core: the list of its hardware threads
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &mask)) continue;
    std::ifstream file(cat("/sys/devices/system/cpu/cpu", cpu, "/topology/thread_siblings_list"));
    std::string siblings;
    if (!std::getline(file, siblings)) siblings = cat(cpu);
    cores.insert(siblings);
  }
  const double allowed = std::min(static_cast<double>(cores.size()), std::ceil(quota_cores()));
  return std::max(1, static_cast<int>(allowed));
}

Threads::Threads(int count) : count_(count) {
  TOME_CHECK(count >= 1, "thread count ", count);
  for (int thread = 1; thread < count; ++thread) workers_.emplace_back([this, thread] { work(thread); });
}

Threads::~Threads() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    ++round_;
  }
  wake_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void Threads::for_each(std::size_t items, const std::function<void(std::size_t, int)>& body) {
  if (items == 0) return;
  if (count_ == 1 || items == 1) {
    for (std::size_t index = 0; index < items; ++index) body(index, 0);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    items_ = items;
    body_ = &body;
    error_ = nullptr;
    next_ = 0;
    running_ = count_ - 1;
    ++round_;
  }
  wake_.notify_all();
  drain(0);
  const auto deadline = std::chrono::steady_clock::now() + kSpin;
  while (running_.load(std::memory_order_acquire) != 0) {
    if (std::chrono::steady_clock::now() < deadline) {
      pause_briefly();
    } else {
      std::this_thread::yield();  // a busy machine: the worker may be waiting for this very core
    }
  }
  if (error_) std::rethrow_exception(error_);
}

void Threads::drain(int thread) {
  try {
    for (std::size_t index = next_.fetch_add(1); index < items_; index = next_.fetch_add(1)) (*body_)(index, thread);
  } catch (...) {
    next_ = items_;
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::current_exception();
  }
}

void Threads::work(int thread) {
  unsigned seen = 0;
  for (;;) {
    const auto deadline = std::chrono::steady_clock::now() + kSpin;
    while (round_.load(std::memory_order_acquire) == seen && std::chrono::steady_clock::now() < deadline)
      pause_briefly();
    if (round_.load(std::memory_order_acquire) == seen) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return round_.load() != seen; });
    }
    seen = round_.load(std::memory_order_acquire);
    if (stop_) return;
    drain(thread);
    running_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace tome
