#include "model/head.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "ops/gemv.h"
#include "ops/kernels/kernels.h"

namespace tome {
namespace {

constexpr std::size_t kGemvRows = 1024;  // vocabulary rows in one thread's turn
constexpr std::size_t kSlice = 2048;     // vocabulary rows unpacked at once
constexpr std::size_t kRows = 96;

// Running log-sum-exp of one row.
struct LogSum {
  double peak = -INFINITY;
  double sum = 0;

  void add(std::span<const float> values) {
    const double top = *std::max_element(values.begin(), values.end());
    if (top > peak) {
      sum *= std::exp(peak - top);
      peak = top;
    }
    for (const float v : values) sum += std::exp(static_cast<double>(v) - peak);
  }
  double value() const { return peak + std::log(sum); }
};

}  // namespace

template <typename T>
void logits(const Model& model, Threads& threads, const T* x, bool exact, std::span<float> out) {
  const ModelConfig& config = model.config();
  std::vector<float> wide(config.width);
  ops::kernels().rows<T>().to_float(x, wide.data(), config.width);
  ops::kernels().f32_rows.rms_norm(wide.data(), model.output_norm().data(), config.norm_epsilon, 1, config.width,
                                   wide.data());
  ops::GemvInput input;
  input.set(wide, exact);
  threads.for_each((config.vocabulary + kGemvRows - 1) / kGemvRows, [&](std::size_t i, int) {
    const std::size_t first = i * kGemvRows;
    ops::gemv(model.output(), first, input, out.subspan(first, std::min(kGemvRows, config.vocabulary - first)));
  });
}

template <typename T>
void token_losses(const Model& model, Threads& threads, const T* x, std::span<const std::int32_t> targets,
                  Precision precision, std::span<double> losses) {
  const ModelConfig& config = model.config();
  const std::size_t rows = targets.size();
  const auto& kernels = ops::kernels().rows<T>();
  AlignedBuffer<T> normed(rows * config.width);
  kernels.rms_norm(x, model.output_norm().data(), config.norm_epsilon, rows, config.width, normed.data());
  std::vector<LogSum> sums(rows);
  std::vector<double> target_logits(rows);
  const std::size_t row_bytes = byte_size(model.output().type, config.width);
  std::vector<AlignedBuffer<T>> products(static_cast<std::size_t>(threads.count()));
  std::vector<ops::Int8Rows> quantized((rows + kRows - 1) / kRows);
  Linear<T> linear;
  for (std::size_t first = 0; first < config.vocabulary; first += kSlice) {
    TensorView slice = model.output();
    slice.shape = {std::min(kSlice, config.vocabulary - first), config.width};
    slice.data = slice.data.subspan(first * row_bytes, slice.shape[0] * row_bytes);
    linear.pack(threads, slice, precision);
    threads.for_each(quantized.size(), [&](std::size_t b, int thread) {
      auto& product = products[static_cast<std::size_t>(thread)];
      product.reserve(kRows * kSlice);
      const std::size_t r0 = b * kRows;
      const std::size_t count = std::min(kRows, rows - r0);
      const T* from = normed.data() + r0 * config.width;
      if (linear.wants_int8() && first == 0) kernels.quantize_rows(from, count, config.width, quantized[b]);
      linear.multiply(from, quantized[b], count, product.data());
      std::vector<float> wide(linear.out());
      for (std::size_t r = 0; r < count; ++r) {
        kernels.to_float(product.data() + r * linear.out(), wide.data(), wide.size());
        sums[r0 + r].add(wide);
        const auto target = static_cast<std::size_t>(targets[r0 + r]);
        if (target >= first && target < first + wide.size()) {
          target_logits[r0 + r] = static_cast<double>(wide[target - first]);
        }
      }
    });
  }
  for (std::size_t r = 0; r < rows; ++r) losses[r] = sums[r].value() - target_logits[r];
}

#define TOME_INSTANTIATE(T)                                                                                 \
  template void logits<T>(const Model&, Threads&, const T*, bool, std::span<float>);                        \
  template void token_losses<T>(const Model&, Threads&, const T*, std::span<const std::int32_t>, Precision, \
                                std::span<double>);
TOME_INSTANTIATE(bf16)
TOME_INSTANTIATE(float)
#undef TOME_INSTANTIATE

}  // namespace tome
