#include "cli/bench_kernels.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/machine.h"
#include "model/kv_sequence.h"
#include "model/linear.h"
#include "ops/attention.h"
#include "ops/attention_backward.h"
#include "ops/gemv.h"
#include "ops/kernels/kernels.h"

namespace tome::cli {
namespace {

using Clock = std::chrono::steady_clock;

double best_seconds(const std::function<void()>& body) {
  double best = INFINITY;
  for (int repeat = 0; repeat < 3; ++repeat) {
    const auto start = Clock::now();
    body();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

void line(const std::string& name, double rate, double peak, const char* unit) {
  std::printf("%-46s %7.1f %s  %5.1f %% of %.0f\n", name.c_str(), rate * 1e-9, unit, 100 * rate / peak, peak * 1e-9);
  std::fflush(stdout);
}

std::vector<bf16> random_rows(std::size_t count) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<bf16> values(count);
  for (bf16& v : values) v = bf16(normal(random));
  return values;
}

struct AttentionCase {
  int heads, kv_heads, width, window;
};

// The last `queries` of `tokens` tokens attend.
void bench_attention(Threads& threads, const AttentionCase& c, int tokens, int queries, double peak, bool bytes,
                     bool int8 = false) {
  const ops::AttentionShape shape{c.heads, c.kv_heads, c.width, 1.0f / std::sqrt(static_cast<float>(c.width))};
  const auto n = static_cast<std::size_t>(tokens);
  const auto keys = random_rows(n * static_cast<std::size_t>(c.kv_heads * c.width));
  const auto q = random_rows(static_cast<std::size_t>(queries) * static_cast<std::size_t>(c.heads) *
                             static_cast<std::size_t>(c.width));
  std::vector<bf16> out(q.size());
  auto kv = int8 ? KvSequence<bf16>::with_int8_scores(shape) : KvSequence<bf16>(shape);
  kv.append(threads, keys.data(), keys.data(), n);
  std::vector<ops::KeyRange> visible(static_cast<std::size_t>(queries));
  double pairs = 0;
  for (std::size_t t = 0; t < visible.size(); ++t) {
    visible[t] = ops::causal_range(tokens - queries + static_cast<std::int64_t>(t), c.window);
    pairs += static_cast<double>(visible[t].end - visible[t].begin);
  }
  const double seconds =
      best_seconds([&] { ops::attention_forward<bf16>(threads, shape, q.data(), visible, kv.blocks(), out.data()); });
  const std::string name = cat("attention ", c.heads, "/", c.kv_heads, " heads of ", c.width, ", ", queries, " x ",
                               tokens, c.window > 0 ? cat(", window ", c.window) : "", int8 ? ", int8 scores" : "");
  const double work = bytes ? pairs * 4 * c.kv_heads * c.width : 4 * pairs * c.heads * c.width;
  line(name, work / seconds, peak, bytes ? "GB/s   " : "GFLOP/s");
}

// The five products of the backward pass, causal over all `tokens`.
void bench_attention_backward(Threads& threads, const AttentionCase& c, int tokens, double peak) {
  const ops::AttentionShape shape{c.heads, c.kv_heads, c.width, 1.0f / std::sqrt(static_cast<float>(c.width))};
  const auto n = static_cast<std::size_t>(tokens);
  const std::ptrdiff_t q_width = std::ptrdiff_t{c.heads} * c.width;
  const std::ptrdiff_t kv_width = std::ptrdiff_t{c.kv_heads} * c.width;
  const auto keys = random_rows(n * static_cast<std::size_t>(kv_width));
  const auto q = random_rows(n * static_cast<std::size_t>(q_width));
  const std::vector<float> sums(n * static_cast<std::size_t>(c.heads), 10.0f);
  std::vector<float> dk(keys.size()), dv(keys.size());
  std::vector<ops::KeyRange> visible(n);
  double pairs = 0;
  for (std::size_t t = 0; t < n; ++t) {
    visible[t] = ops::causal_range(static_cast<std::int64_t>(t), c.window);
    pairs += static_cast<double>(visible[t].end - visible[t].begin);
  }
  ops::AttentionGradientInput<bf16> input;
  input.q = {q.data(), q_width};
  input.k = {keys.data(), kv_width};
  input.v = {keys.data(), kv_width};
  input.d_out = {q.data(), q_width};
  input.log_sum_exp = {sums.data(), c.heads};
  input.delta = {sums.data(), c.heads};
  input.visible = visible;
  input.keys = n;
  ops::AttentionBackward<bf16> backward;
  const double seconds = best_seconds([&] {
    backward.run(threads, shape, input, false, {dk.data(), kv_width}, {dv.data(), kv_width});
  });
  line(cat("attention backward ", c.heads, "/", c.kv_heads, " heads of ", c.width, ", ", tokens,
           c.window > 0 ? cat(", window ", c.window) : std::string()),
       10 * pairs * static_cast<double>(q_width) / seconds, peak, "GFLOP/s");
}

// A random weight of `type`, [out][in].
struct RandomWeight {
  RandomWeight(TensorType type, std::size_t out, std::size_t in) {
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    std::vector<float> row(in);
    for (float& v : row) v = normal(random);
    const std::size_t row_bytes = byte_size(type, in);
    bytes.resize(out * row_bytes);
    quantize(type, row, std::span(bytes).first(row_bytes));
    for (std::size_t r = 1; r < out; ++r)
      std::copy_n(bytes.begin(), row_bytes, bytes.begin() + static_cast<std::ptrdiff_t>(r * row_bytes));
    view.type = type;
    view.shape = {out, in};
    view.data = bytes;
  }
  std::vector<std::byte> bytes;
  TensorView view;
};

void bench_linear(Threads& threads, std::size_t out, std::size_t in, Precision precision, double peak) {
  constexpr std::size_t kRows = 96;
  constexpr std::size_t kTurns = 64;
  const RandomWeight weight(TensorType::kQ4_0, out, in);
  Linear<bf16> linear;
  linear.pack(threads, weight.view, precision);
  const auto x = random_rows(kRows * in);
  std::vector<std::vector<bf16>> y(static_cast<std::size_t>(threads.count()), std::vector<bf16>(kRows * out));
  std::vector<ops::Int8Rows> quantized(y.size());
  const double seconds = best_seconds([&] {
    threads.for_each(kTurns, [&](std::size_t, int thread) {
      const auto t = static_cast<std::size_t>(thread);
      if (linear.wants_int8()) ops::kernels().rows<bf16>().quantize_rows(x.data(), kRows, in, quantized[t]);
      linear.multiply(x.data(), quantized[t], kRows, y[t].data());
    });
  });
  const double work = 2.0 * static_cast<double>(kRows * kTurns * out * in);
  line(cat("linear ", linear.wants_int8() ? "int8 " : "bf16 ", in, " -> ", out), work / seconds, peak,
       linear.wants_int8() ? "GOP/s  " : "GFLOP/s");
}

void bench_gemv(Threads& threads, TensorType type, double peak) {
  constexpr std::size_t kIn = 4096;
  constexpr std::size_t kOut = 65536;  // far more bytes than any cache
  constexpr std::size_t kRowsPerTurn = 256;
  const RandomWeight weight(type, kOut, kIn);
  ops::GemvInput input;
  input.set(std::vector<float>(kIn, 0.5f), false);
  std::vector<float> y(kOut);
  const double seconds = best_seconds([&] {
    threads.for_each(kOut / kRowsPerTurn, [&](std::size_t i, int) {
      ops::gemv(weight.view, i * kRowsPerTurn, input, std::span(y).subspan(i * kRowsPerTurn, kRowsPerTurn));
    });
  });
  line(cat("gemv ", info(type).name), static_cast<double>(weight.bytes.size()) / seconds, peak, "GB/s   ");
}

}  // namespace

void bench_kernels(int thread_count, int tokens) {
  Threads threads(thread_count);
  const MachineRates peak = measure_machine(threads);
  std::printf("%s, %d threads: bf16 %.0f GFLOP/s, ", std::string(ops::kernels().name).c_str(), thread_count,
              peak.bf16 * 1e-9);
  if (peak.int8 > 0) std::printf("int8 %.0f GOP/s, ", peak.int8 * 1e-9);
  std::printf("memory %.1f GB/s\n", peak.dram * 1e-9);
  for (const AttentionCase& c : {AttentionCase{9, 3, 64, 0}, {8, 8, 128, 0}, {4, 1, 256, 512}, {4, 1, 256, 0}}) {
    bench_attention(threads, c, tokens, tokens, measure_bf16(threads), false);
    if (ops::has_int8_scores()) bench_attention(threads, c, tokens, tokens, measure_bf16(threads), false, true);
    bench_attention_backward(threads, c, tokens, measure_bf16(threads));
  }
  struct {
    std::size_t out, in;
  } const shapes[] = {{576, 576}, {1536, 576}, {576, 1536}, {2048, 640}, {640, 2048}, {4096, 4096}};
  for (const auto& shape : shapes) {
    bench_linear(threads, shape.out, shape.in, Precision::kExact, peak.bf16);
    if (peak.int8 > 0) bench_linear(threads, shape.out, shape.in, Precision::kInt8, peak.int8);
  }
  for (const TensorType type : {TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ8_0, TensorType::kQ4_K,
                                TensorType::kQ6_K, TensorType::kBF16}) {
    bench_gemv(threads, type, peak.dram);
  }
  // One query: the speed of reading K and V.
  bench_attention(threads, {9, 3, 64, 0}, std::max(tokens, 1 << 17), 1, peak.dram, true);
  bench_attention(threads, {32, 8, 128, 0}, std::max(tokens, 1 << 15), 1, peak.dram, true);
}

}  // namespace tome::cli
