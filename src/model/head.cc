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
  std::vector<AlignedBuffer<T>> products(static_cast<std::size_t>(threads.count()));
  std::vector<ops::Int8Rows> quantized((rows + kRows - 1) / kRows);
  Linear<T> linear;
  for (std::size_t first = 0; first < config.vocabulary; first += kSlice) {
    linear.pack(threads, model.output().row_slice(first, std::min(kSlice, config.vocabulary - first)), precision);
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

namespace {

constexpr std::size_t kGradientSlice = 1024;  // vocabulary rows unpacked at once, twice
constexpr std::size_t kGradientRows = 64;     // vocabulary rows whose gradient is one turn of a thread

// One row's softmax over the vocabulary so far: sum and the average of the output matrix's rows count from `peak`.
struct RunningSoftmax {
  float peak = -INFINITY;
  double sum = 0;
  double target_logit = 0;
};

// Takes one slice's logits [rows][slice] into the rows' softmax; leaves the weights in `weights`.
template <typename T>
void take_logits(std::span<RunningSoftmax> rows, const float* logits, std::size_t slice, std::size_t width, T* weights,
                 float* average) {
  for (std::size_t r = 0; r < rows.size(); ++r, logits += slice, weights += slice, average += width) {
    const float top = *std::max_element(logits, logits + slice);
    if (top > rows[r].peak) {
      const float shrink = std::exp(rows[r].peak - top);
      rows[r].sum *= static_cast<double>(shrink);
      for (std::size_t c = 0; c < width; ++c) average[c] *= shrink;
      rows[r].peak = top;
    }
    rows[r].sum += static_cast<double>(ops::kernels().rows<T>().exponentials(logits, rows[r].peak, weights, slice));
  }
}

// gradient [V][D] += scale (softmax - one at the target) normed, slice by slice; each row of it is one thread's.
template <typename T>
void output_gradient(const Model& model, Threads& threads, const T* normed, std::span<const RunningSoftmax> softmax,
                     std::span<const std::int32_t> targets, double scale, float* gradient) {
  const ModelConfig& config = model.config();
  const std::size_t rows = targets.size();
  std::vector<float> logits;
  const LowRank<T> no_low;
  Linear<T> output;
  for (std::size_t first = 0; first < config.vocabulary; first += kGradientSlice) {
    const TensorView slice = model.output().row_slice(first, std::min(kGradientSlice, config.vocabulary - first));
    const std::size_t n = slice.shape[0];
    output.pack(threads, slice, Precision::kExact);
    logits.resize(rows * n);
    threads.for_each((rows + kRows - 1) / kRows, [&](std::size_t b, int) {
      const std::size_t count = std::min(kRows, rows - b * kRows);
      float* block = logits.data() + b * kRows * n;
      output.multiply_exact(normed + b * kRows * config.width, no_low, count, false, block);
      for (std::size_t r = b * kRows; r < b * kRows + count; ++r) {
        const auto inverse = static_cast<float>(scale / softmax[r].sum);
        float* row = logits.data() + r * n;
        for (std::size_t v = 0; v < n; ++v) row[v] = std::exp(row[v] - softmax[r].peak) * inverse;
        const auto target = static_cast<std::size_t>(targets[r]);
        if (target >= first && target < first + n) row[target - first] -= static_cast<float>(scale);
      }
    });
    threads.for_each((n + kGradientRows - 1) / kGradientRows, [&](std::size_t b, int) {
      const std::size_t v = b * kGradientRows;
      const std::size_t count = std::min(kGradientRows, n - v);
      std::vector<float> weights(rows * count);
      for (std::size_t r = 0; r < rows; ++r) std::copy_n(logits.data() + r * n + v, count, weights.data() + r * count);
      ops::kernels().rows<T>().outer_product(normed, config.width, weights.data(), count, rows, config.width,
                                             gradient + (first + v) * config.width);
    });
  }
}

}  // namespace

template <typename T>
double loss_gradient(const Model& model, Threads& threads, const T* x, std::span<const std::int32_t> targets,
                     double scale, T* dx, const HeadGradient& gradient) {
  const ModelConfig& config = model.config();
  const std::size_t width = config.width;
  const std::size_t rows = targets.size();
  const auto& kernels = ops::kernels().rows<T>();
  AlignedBuffer<T> normed(rows * width);
  kernels.rms_norm(x, model.output_norm().data(), config.norm_epsilon, rows, width, normed.data());
  std::vector<RunningSoftmax> softmax(rows);
  std::vector<float> average(rows * width, 0.0f);
  struct Scratch {
    AlignedBuffer<float> logits;
    AlignedBuffer<T> weights;
  };
  std::vector<Scratch> scratch(static_cast<std::size_t>(threads.count()));
  Linear<T> output, transposed;
  const LowRank<T> no_low;
  for (std::size_t first = 0; first < config.vocabulary; first += kGradientSlice) {
    const TensorView slice = model.output().row_slice(first, std::min(kGradientSlice, config.vocabulary - first));
    output.pack(threads, slice, Precision::kExact);
    transposed.pack_transposed(threads, slice);
    const std::size_t n = slice.shape[0];
    threads.for_each((rows + kRows - 1) / kRows, [&](std::size_t b, int thread) {
      auto& [logits, weights] = scratch[static_cast<std::size_t>(thread)];
      const std::size_t r0 = b * kRows;
      const std::size_t count = std::min(kRows, rows - r0);
      logits.reserve(count * n);
      weights.reserve(count * n);
      output.multiply_exact(normed.data() + r0 * width, no_low, count, false, logits.data());
      for (std::size_t r = 0; r < count; ++r) {
        const auto target = static_cast<std::size_t>(targets[r0 + r]);
        if (target >= first && target < first + n) {
          softmax[r0 + r].target_logit = static_cast<double>(logits[r * n + target - first]);
        }
      }
      take_logits<T>(std::span(softmax).subspan(r0, count), logits.data(), n, width, weights.data(),
                     average.data() + r0 * width);
      transposed.multiply_exact(weights.data(), no_low, count, true, average.data() + r0 * width);
    });
  }
  double loss = 0;
  std::vector<float> own(width);
  for (std::size_t r = 0; r < rows; ++r) {
    loss += static_cast<double>(softmax[r].peak) + std::log(softmax[r].sum) - softmax[r].target_logit;
    dequantize(model.output().type, model.output().row(static_cast<std::size_t>(targets[r])), own);
    const auto inverse = static_cast<float>(1 / softmax[r].sum);
    float* row = average.data() + r * width;
    for (std::size_t c = 0; c < width; ++c) row[c] = static_cast<float>(scale) * (row[c] * inverse - own[c]);
  }
  if (gradient.output != nullptr) {
    output_gradient<T>(model, threads, normed.data(), softmax, targets, scale, gradient.output);
  }
  kernels.rms_norm_backward(x, model.output_norm().data(), config.norm_epsilon, average.data(), rows, width,
                            average.data(), gradient.norm);
  kernels.from_float(average.data(), dx, rows * width);
  return loss;
}

#define TOME_INSTANTIATE(T)                                                                                     \
  template void logits<T>(const Model&, Threads&, const T*, bool, std::span<float>);                            \
  template void token_losses<T>(const Model&, Threads&, const T*, std::span<const std::int32_t>, Precision,     \
                                std::span<double>);                                                             \
  template double loss_gradient<T>(const Model&, Threads&, const T*, std::span<const std::int32_t>, double, T*, \
                                   const HeadGradient&);
TOME_INSTANTIATE(bf16)
TOME_INSTANTIATE(float)
#undef TOME_INSTANTIATE

}  // namespace tome
