#include "model/linear.h"

#include <algorithm>

#include "base/error.h"
#include "ops/kernels/kernels.h"

namespace tome {
namespace {

// Rows [first, first + count) of a weight as f32.
void unpack_rows(const TensorView& weight, std::size_t first, std::size_t count, std::vector<float>& out) {
  const std::size_t columns = weight.columns();
  out.resize(count * columns);
  const std::size_t row_bytes = byte_size(weight.type, columns);
  dequantize(weight.type, weight.data.subspan(first * row_bytes, count * row_bytes), out);
}

}  // namespace

template <typename T>
void Linear<T>::pack(Threads& threads, const TensorView& weight, Precision precision, const LoraPair& lora) {
  out_ = weight.rows();
  in_ = weight.columns();
  lora_ = lora;
  int8_ = precision == Precision::kInt8 && ops::kernels().int8;
  std::vector<std::vector<float>> unpacked(static_cast<std::size_t>(threads.count()));
  if (int8_) {
    const std::size_t count = (out_ + ops::kInt8Panel - 1) / ops::kInt8Panel;
    const std::size_t values = ops::int8_panel_values(in_);
    const std::size_t scales = ops::int8_panel_scales(in_);
    panels_.reserve(count * values);
    scales_.reserve(count * scales);
    bias_.reserve(count * scales);
    threads.for_each(count, [&](std::size_t p, int thread) {
      auto& rows = unpacked[static_cast<std::size_t>(thread)];
      const std::size_t columns = std::min(ops::kInt8Panel, out_ - p * ops::kInt8Panel);
      unpack_rows(weight, p * ops::kInt8Panel, columns, rows);
      ops::kernels().int8_pack(rows.data(), columns, in_, panels_.data() + p * values, scales_.data() + p * scales,
                               bias_.data() + p * scales);
    });
    return;
  }
  const std::size_t count = (out_ + ops::kLinearPanel - 1) / ops::kLinearPanel;
  const std::size_t words = ops::linear_panel_words<T>(in_);
  exact_panels_.reserve(count * words);
  threads.for_each(count, [&](std::size_t p, int thread) {
    auto& rows = unpacked[static_cast<std::size_t>(thread)];
    const std::size_t columns = std::min(ops::kLinearPanel, out_ - p * ops::kLinearPanel);
    unpack_rows(weight, p * ops::kLinearPanel, columns, rows);
    ops::kernels().rows<T>().linear_pack(rows.data(), columns, in_, exact_panels_.data() + p * words);
  });
}

template <typename T>
std::size_t Linear<T>::bytes() const {
  return exact_panels_.bytes() + panels_.bytes() + scales_.bytes() + bias_.bytes();
}

template <typename T>
void Linear<T>::multiply(const T* x, const ops::Int8Rows& quantized, std::size_t rows, T* y) const {
  if (int8_) {
    TOME_CHECK(quantized.rows == rows && quantized.groups == ops::int8_groups(in_));
    const std::size_t values = ops::int8_panel_values(in_);
    const std::size_t scales = ops::int8_panel_scales(in_);
    for (std::size_t first = 0, p = 0; first < out_; first += ops::kInt8Panel, ++p) {
      ops::kernels().rows<T>().int8_product(quantized, panels_.data() + p * values, scales_.data() + p * scales,
                                            bias_.data() + p * scales, std::min(ops::kInt8Panel, out_ - first),
                                            y + first, out_);
    }
  } else {
    const std::size_t words = ops::linear_panel_words<T>(in_);
    for (std::size_t first = 0, p = 0; first < out_; first += ops::kLinearPanel, ++p) {
      ops::kernels().rows<T>().linear_product(x, rows, in_, exact_panels_.data() + p * words,
                                              std::min(ops::kLinearPanel, out_ - first), y + first, out_);
    }
  }
  if (lora_.rank > 0) add_lora(x, rows, y);
}

template <typename T>
void Linear<T>::add_lora(const T* x, std::size_t rows, T* y) const {
  const auto& kernels = ops::kernels().rows<T>();
  std::vector<float> low(lora_.rank);
  std::vector<float> sum(out_);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t k = 0; k < lora_.rank; ++k) low[k] = lora_.scale * kernels.dot(x + r * in_, lora_.a + k * in_, in_);
    kernels.to_float(y + r * out_, sum.data(), out_);
    for (std::size_t o = 0; o < out_; ++o) {
      float term = 0;
      for (std::size_t k = 0; k < lora_.rank; ++k) term += low[k] * lora_.b[o * lora_.rank + k];
      sum[o] += term;
    }
    kernels.from_float(sum.data(), y + r * out_, out_);
  }
}

template class Linear<bf16>;
template class Linear<float>;

}  // namespace tome
