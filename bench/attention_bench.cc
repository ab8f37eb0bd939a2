// Attention, forward and backward: GFLOP/s (visible pairs only) beside the peak of the same run, the best of three.
// Usage: attention_bench [tokens [threads]]
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <vector>

#include "ops/attention.h"
#include "ops/attention_backward.h"
#include "ops/kernels/kernels.h"

using namespace tome;
using namespace tome::ops;

namespace {

// With one thread, CPU time: it can be trusted on a busy machine too.
double now(const Threads& threads) {
  timespec t{};
  clock_gettime(threads.count() == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double peak(Threads& threads) {
  constexpr long kSteps = 6'000'000;
  const double start = now(threads);
  std::vector<double> operations(static_cast<std::size_t>(threads.count()));
  threads.for_each(operations.size(), [&](std::size_t i, int) { operations[i] = kernels().peak_bf16(kSteps); });
  double total = 0;
  for (const double o : operations) total += o;
  return total / (now(threads) - start) * 1e-9;
}

void run(Threads& threads, int tokens, int heads, int kv_heads, int width, int window) {
  const AttentionShape shape{heads, kv_heads, width, 1.0f / std::sqrt(static_cast<float>(width))};
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  const auto n = static_cast<std::size_t>(tokens);
  const auto fill = [&](std::size_t count) {
    std::vector<bf16> values(count);
    for (auto& v : values) v = bf16(normal(random));
    return values;
  };
  const auto q = fill(n * static_cast<std::size_t>(heads * width));
  const auto k = fill(n * static_cast<std::size_t>(kv_heads * width));
  const auto v = fill(n * static_cast<std::size_t>(kv_heads * width));
  std::vector<bf16> out(q.size());
  const std::size_t words = kv_block_words<bf16>(shape);
  const std::size_t block_count = (n + kKvBlock - 1) / kKvBlock;
  std::vector<std::uint32_t> store(2 * words * block_count);
  std::vector<KvBlock> blocks;
  const std::ptrdiff_t stride = kv_heads * width;
  for (std::size_t b = 0; b < block_count; ++b) {
    std::uint32_t* kb = store.data() + 2 * b * words;
    const int count = static_cast<int>(std::min<std::size_t>(kKvBlock, n - b * kKvBlock));
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(b) * kKvBlock * stride;
    pack_kv(shape, k.data() + at, v.data() + at, stride, count, 0, kb, kb + words);
    blocks.push_back({kb, kb + words, static_cast<std::int64_t>(b) * kKvBlock, count});
  }
  std::vector<KeyRange> visible(n);
  double pairs = 0;
  for (std::size_t t = 0; t < n; ++t) {
    visible[t] = causal_range(static_cast<std::int64_t>(t), window);
    pairs += static_cast<double>(visible[t].end - visible[t].begin);
  }
  double best = 0;
  const double top = peak(threads);
  for (int repeat = 0; repeat < 3; ++repeat) {
    const double start = now(threads);
    attention_forward<bf16>(threads, shape, q.data(), visible, blocks, out.data());
    best = std::max(best, 4.0 * pairs * heads * width / (now(threads) - start) * 1e-9);
  }
  const auto report = [&](const char* what, double rate) {
    std::printf("%-8s tokens %6d heads %2d/%d width %3d window %4d: %5.0f GFLOP/s, %4.1f %% of the peak %.0f\n", what,
                tokens, heads, kv_heads, width, window, rate, 100 * rate / top, top);
  };
  report("forward", best);

  const std::vector<float> log_sum_exp(n * static_cast<std::size_t>(heads), 10.0f);
  const std::vector<float> delta(log_sum_exp.size(), 0.5f);
  std::vector<float> dk(k.size());
  std::vector<float> dv(k.size());
  const std::ptrdiff_t q_stride = heads * width;
  const AttentionGradientInput<bf16> input{{q.data(), q_stride},
                                           {k.data(), stride},
                                           {v.data(), stride},
                                           {out.data(), q_stride},
                                           {log_sum_exp.data(), heads},
                                           {delta.data(), heads},
                                           visible,
                                           n};
  AttentionBackward<bf16> backward;
  best = 0;
  for (int repeat = 0; repeat < 3; ++repeat) {
    const double start = now(threads);
    backward.run(threads, shape, input, false, {dk.data(), stride}, {dv.data(), stride});
    best = std::max(best, 10.0 * pairs * heads * width / (now(threads) - start) * 1e-9);
  }
  report("backward", best);
}

}  // namespace

int main(int argc, char** argv) {
  Threads threads(argc > 2 ? std::atoi(argv[2]) : usable_cores());
  const int tokens = argc > 1 ? std::atoi(argv[1]) : 8192;
  run(threads, tokens, 9, 3, 64, 0);
  run(threads, tokens, 8, 8, 128, 0);
  run(threads, tokens, 4, 1, 256, 512);
  run(threads, tokens, 4, 1, 256, 0);
}
