#include "model/linear.h"

#include <algorithm>
#include <type_traits>

#include "base/error.h"
#include "formats/integer_groups.h"
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
  if (int8_) {
    pack_int8(threads, weight);
    return;
  }
  std::vector<std::vector<float>> unpacked(static_cast<std::size_t>(threads.count()));
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
ops::Int8Panel Linear<T>::panel(std::size_t index) const {
  const std::size_t scales = ops::int8_panel_scales(in_);
  return {panels_.data() + index * ops::int8_panel_values(in_), scales_.data() + index * scales,
          has_offsets_ ? offsets_.data() + index * scales : nullptr, bias_.data() + index * scales};
}

template <typename T>
void Linear<T>::pack_int8(Threads& threads, const TensorView& weight) {
  const std::size_t count = (out_ + ops::kInt8Panel - 1) / ops::kInt8Panel;
  const std::size_t scales = ops::int8_panel_scales(in_);
  has_offsets_ = has_offsets(weight.type);
  panels_.reserve(count * ops::int8_panel_values(in_));
  scales_.reserve(count * scales);
  bias_.reserve(count * scales);
  if (has_offsets_) offsets_.reserve(count * scales);
  struct Scratch {
    ops::Int8Weights integers;
    std::vector<float> unpacked;
  };
  std::vector<Scratch> scratch(static_cast<std::size_t>(threads.count()));
  threads.for_each(count, [&](std::size_t p, int thread) {
    auto& [integers, unpacked] = scratch[static_cast<std::size_t>(thread)];
    const std::size_t first = p * ops::kInt8Panel;
    integers.resize(std::min(ops::kInt8Panel, out_ - first), in_);
    bool whole = in_ % ops::kInt8Group == 0;
    for (std::size_t n = 0; n < integers.columns && whole; ++n) {
      const std::size_t groups = integers.groups;
      whole = unpack_integers(weight.type, weight.row(first + n), std::span(integers.q).subspan(n * in_, in_),
                              std::span(integers.scales).subspan(n * groups, groups),
                              std::span(integers.offsets).subspan(n * groups, groups));
    }
    if (!whole) {
      unpack_rows(weight, first, integers.columns, unpacked);
      ops::kernels().int8_quantize_weights(unpacked.data(), in_, integers);
    }
    ops::kernels().int8_pack(integers, panel(p));
  });
}

template <typename T>
std::size_t Linear<T>::bytes() const {
  return exact_panels_.bytes() + panels_.bytes() + scales_.bytes() + offsets_.bytes() + bias_.bytes();
}

template <typename T>
template <typename Y>
void Linear<T>::multiply(const T* x, const ops::Int8Rows& quantized, std::size_t rows, Y* y) const {
  const auto& kernels = ops::kernels().rows<T>();
  TOME_CHECK(!int8_ || (quantized.rows == rows && quantized.groups == ops::int8_groups(in_)));
  const auto by_type = [](auto narrow, auto wide) {
    if constexpr (std::is_same_v<Y, T>) {
      return narrow;
    } else {
      return wide;
    }
  };
  const auto int8_product = by_type(kernels.int8_product, kernels.int8_product_f32);
  const auto product = by_type(kernels.linear_product, kernels.linear_product_f32);
  const std::size_t words = ops::linear_panel_words<T>(in_);
  static_assert(ops::kInt8Panel == ops::kLinearPanel);
  for (std::size_t first = 0, p = 0; first < out_; first += ops::kLinearPanel, ++p) {
    const std::size_t columns = std::min(ops::kLinearPanel, out_ - first);
    if (int8_) {
      int8_product(quantized, panel(p), columns, y + first, out_);
    } else {
      product(x, rows, in_, exact_panels_.data() + p * words, columns, y + first, out_);
    }
  }
  if (lora_.rank > 0) add_lora(x, rows, y);
}

template <typename T>
template <typename Y>
void Linear<T>::add_lora(const T* x, std::size_t rows, Y* y) const {
  const auto& kernels = ops::kernels().rows<T>();
  std::vector<float> low(lora_.rank);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t k = 0; k < lora_.rank; ++k)
      low[k] = lora_.scale * kernels.dot(x + r * in_, lora_.a + k * in_, in_);
    for (std::size_t o = 0; o < out_; ++o) {
      float sum = static_cast<float>(y[r * out_ + o]);
      for (std::size_t k = 0; k < lora_.rank; ++k) sum += low[k] * lora_.b[o * lora_.rank + k];
      y[r * out_ + o] = Y(sum);
    }
  }
}

template class Linear<bf16>;
template class Linear<float>;
template void Linear<bf16>::multiply<bf16>(const bf16*, const ops::Int8Rows&, std::size_t, bf16*) const;
template void Linear<bf16>::multiply<float>(const bf16*, const ops::Int8Rows&, std::size_t, float*) const;
template void Linear<float>::multiply<float>(const float*, const ops::Int8Rows&, std::size_t, float*) const;

}  // namespace tome
