// A fixed team of threads that share one loop at a time.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tome {

/// Physical cores that this process may use: affinity mask and cgroup CPU quota respected, at least 1.
int usable_cores();

class Threads {
 public:
  /// `count` >= 1 threads in all, the caller being one of them.
  explicit Threads(int count = usable_cores());
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  int count() const { return count_; }

  /// Calls body(index, thread) once for every index in [0, items), thread in [0, count()). Indices are handed out in
  /// increasing order, as threads become free; returns when all are done. The first exception is thrown to the caller,
  /// after every started index has ended. Not reentrant: a body must not start another loop of the same team.
  void for_each(std::size_t items, const std::function<void(std::size_t index, int thread)>& body);

 private:
  void work(int thread);
  void drain(int thread);

  const int count_;
  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<unsigned> round_{0};
  std::atomic<int> running_{0};
  std::atomic<std::size_t> next_{0};
  std::size_t items_ = 0;
  const std::function<void(std::size_t, int)>* body_ = nullptr;
  std::exception_ptr error_;
  std::atomic<bool> stop_{false};
};

}  // namespace tome
