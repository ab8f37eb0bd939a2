#include "cli/machine.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <numeric>
#include <vector>

#include "base/aligned.h"
#include "ops/kernels/kernels.h"

namespace tome::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr long kSteps = 2'000'000;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// The best of three: a peak is what the machine can do, not what it did while others used it.
double operations_per_second(Threads& threads, double (*spend)(long), long steps) {
  double best = 0;
  for (int repeat = 0; repeat < 3; ++repeat) {
    std::vector<double> operations(static_cast<std::size_t>(threads.count()));
    const auto start = Clock::now();
    threads.for_each(operations.size(), [&](std::size_t i, int) { operations[i] = spend(steps); });
    best = std::max(best, std::accumulate(operations.begin(), operations.end(), 0.0) / seconds_since(start));
  }
  return best;
}

}  // namespace

MachineRates measure_machine(Threads& threads) {
  const auto& kernels = ops::kernels();
  MachineRates rates;
  rates.bf16 = measure_bf16(threads);
  if (kernels.int8_linear) rates.int8 = operations_per_second(threads, kernels.peak_int8, kSteps);
  rates.dram = measure_dram(threads);
  return rates;
}

double measure_bf16(Threads& threads) { return operations_per_second(threads, ops::kernels().peak_bf16, kSteps); }

double measure_dram(Threads& threads) {
  constexpr std::size_t kPart = std::size_t{1} << 23;  // words of 8 bytes: far more than any cache in all
  constexpr std::size_t kParts = 4;
  AlignedBuffer<std::uint64_t> memory(kPart * kParts);
  std::memset(memory.data(), 1, memory.bytes());
  double best = 0;
  for (int repeat = 0; repeat < 3; ++repeat) {
    std::vector<std::uint64_t> sums(64 * kParts);
    const auto start = Clock::now();
    threads.for_each(sums.size(), [&](std::size_t i, int) {
      const std::uint64_t* from = memory.data() + i * (kPart / 64);
      std::uint64_t s[8] = {};
      for (std::size_t w = 0; w < kPart / 64; w += 8) {
        for (std::size_t k = 0; k < 8; ++k) s[k] += from[w + k];
      }
      sums[i] = std::accumulate(s, s + 8, std::uint64_t{0});
    });
    best = std::max(best, static_cast<double>(memory.bytes()) / seconds_since(start));
  }
  return best;
}

std::uint64_t installed_memory() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace tome::cli
