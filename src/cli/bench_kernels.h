// Each kernel's rate beside the peak of the same run.
#pragma once

namespace tome::cli {

/// Prints one line a kernel. `tokens`: keys that attention sees.
void bench_kernels(int thread_count, int tokens);

}  // namespace tome::cli
