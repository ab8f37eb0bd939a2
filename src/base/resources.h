// What the process uses, as the kernel counts it.
#pragma once

#include <cstdint>

namespace tome {

struct MemoryUse {
  std::uint64_t rss = 0;        // bytes resident now, mapped file pages included
  std::uint64_t anonymous = 0;  // RssAnon + RssShmem: what the system cannot take back
};
MemoryUse memory_use();

/// The largest resident size since start (VmHWM).
std::uint64_t peak_rss();
/// The largest private size seen by sample_private_peak() calls and by this call.
std::uint64_t peak_private();
/// Takes a sample; called where memory is at its largest (after each chunk and each token).
void sample_private_peak();

/// Gives the system the memory that was freed and is kept for reuse.
void return_freed_memory();

/// Seconds since the process was started, by the kernel's clock.
double process_seconds();

}  // namespace tome
