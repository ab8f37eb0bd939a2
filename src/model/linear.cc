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

// The factor that takes x to rank numbers: [rank][inputs].
template <typename T>
void Linear<T>::pack_low(std::size_t inputs, const float* first_factor, float scale) {
  const std::size_t words = ops::linear_panel_words<T>(inputs);
  const std::size_t count = (lora_.rank + ops::kLinearPanel - 1) / ops::kLinearPanel;
  low_panels_.reserve(count * words);
  std::vector<float> scaled(first_factor, first_factor + lora_.rank * inputs);
  for (float& v : scaled) v *= scale;
  for (std::size_t p = 0; p < count; ++p) {
    const std::size_t first = p * ops::kLinearPanel;
    ops::kernels().rows<T>().linear_pack(scaled.data() + first * inputs,
                                         std::min(ops::kLinearPanel, lora_.rank - first), inputs,
                                         low_panels_.data() + p * words);
  }
}

// The factor that takes rank numbers to the panel's columns: number (column n, rank k) is factor[n row_step + k
// rank_step].
template <typename T>
void Linear<T>::pack_second_factor(std::size_t panel, const float* factor, std::size_t row_step, std::size_t rank_step,
                                   float scale, std::uint32_t* to) const {
  if (lora_.rank == 0) return;
  const std::size_t first = panel * ops::kLinearPanel;
  const std::size_t columns = std::min(ops::kLinearPanel, out_ - first);
  std::vector<float> rows(columns * lora_.rank);
  for (std::size_t n = 0; n < columns; ++n) {
    for (std::size_t k = 0; k < lora_.rank; ++k) {
      rows[n * lora_.rank + k] = scale * factor[(first + n) * row_step + k * rank_step];
    }
  }
  ops::kernels().rows<T>().linear_pack(rows.data(), columns, lora_.rank, to);
}

template <typename T>
void Linear<T>::pack_first_factor(std::size_t inputs, const LoraPair& lora) {
  out_ = 0;
  in_ = inputs;
  lora_ = lora;
  if (lora_.rank > 0) pack_low(in_, lora_.a, 1);
}

template <typename T>
void Linear<T>::pack(Threads& threads, const TensorView& weight, Precision precision, const LoraPair& lora) {
  out_ = weight.rows();
  in_ = weight.columns();
  lora_ = lora;
  int8_ = precision == Precision::kInt8 && ops::kernels().int8_linear;
  if (lora_.rank > 0) pack_low(in_, lora_.a, 1);
  if (int8_) {
    pack_int8(threads, weight);
    return;
  }
  std::vector<std::vector<float>> unpacked(static_cast<std::size_t>(threads.count()));
  const std::size_t count = (out_ + ops::kLinearPanel - 1) / ops::kLinearPanel;
  const std::size_t words = ops::linear_panel_words<T>(in_, lora_.rank);
  exact_panels_.reserve(count * words);
  threads.for_each(count, [&](std::size_t p, int thread) {
    auto& rows = unpacked[static_cast<std::size_t>(thread)];
    const std::size_t columns = std::min(ops::kLinearPanel, out_ - p * ops::kLinearPanel);
    unpack_rows(weight, p * ops::kLinearPanel, columns, rows);
    std::uint32_t* to = exact_panels_.data() + p * words;
    ops::kernels().rows<T>().linear_pack(rows.data(), columns, in_, to);
    pack_second_factor(p, lora_.b, lora_.rank, 1, lora_.scale, to + ops::linear_panel_words<T>(in_));
  });
}

template <typename T>
void Linear<T>::pack_transposed(Threads& threads, const TensorView& weight, const LoraPair& lora) {
  out_ = weight.columns();
  in_ = weight.rows();
  lora_ = lora;
  int8_ = false;
  constexpr std::size_t kBlock = 64;  // rows of W unpacked at once; whole words of the reduction
  const std::size_t words = ops::linear_panel_words<T>(in_, lora_.rank);
  const std::size_t count = (out_ + ops::kLinearPanel - 1) / ops::kLinearPanel;
  exact_panels_.reserve(count * words);
  std::vector<std::vector<float>> unpacked(static_cast<std::size_t>(threads.count()));
  threads.for_each((in_ + kBlock - 1) / kBlock, [&](std::size_t b, int thread) {
    auto& rows = unpacked[static_cast<std::size_t>(thread)];
    const std::size_t first = b * kBlock;
    const std::size_t rows_here = std::min(kBlock, in_ - first);
    unpack_rows(weight, first, rows_here, rows);
    for (std::size_t p = 0; p < count; ++p) {
      const std::size_t column = p * ops::kLinearPanel;
      ops::kernels().rows<T>().linear_pack_transposed(
          rows.data() + column, rows_here, out_, std::min(ops::kLinearPanel, out_ - column),
          exact_panels_.data() + p * words + ops::linear_panel_words<T>(first));
    }
  });
  if (lora_.rank == 0) return;
  for (std::size_t p = 0; p < count; ++p) {
    pack_second_factor(p, lora_.a, 1, out_, 1, exact_panels_.data() + p * words + ops::linear_panel_words<T>(in_));
  }
  std::vector<float> b_transposed(lora_.rank * in_);
  for (std::size_t o = 0; o < in_; ++o) {
    for (std::size_t k = 0; k < lora_.rank; ++k) b_transposed[k * in_ + o] = lora_.b[o * lora_.rank + k];
  }
  pack_low(in_, b_transposed.data(), lora_.scale);
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
  const std::size_t second = ops::linear_panel_words<T>(lora_.rank);
  low_second_.reserve(count * second);
  for (std::size_t p = 0; p < count; ++p)
    pack_second_factor(p, lora_.b, lora_.rank, 1, lora_.scale, low_second_.data() + p * second);
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
  return exact_panels_.bytes() + low_panels_.bytes() + low_second_.bytes() + panels_.bytes() + scales_.bytes() +
         offsets_.bytes() + bias_.bytes();
}

template <typename T>
void Linear<T>::multiply_low(const T* x, std::size_t rows, LowRank<T>& low) const {
  if (lora_.rank == 0) return;
  const auto& kernels = ops::kernels().rows<T>();
  low.wide.reserve(rows * lora_.rank);
  low.narrow.reserve(rows * lora_.rank);
  kernels.linear_product_f32({x, rows, in_}, {low_panels_.data(), ops::linear_panel_words<T>(in_), lora_.rank}, false,
                             low.wide.data(), lora_.rank);
  kernels.from_float(low.wide.data(), low.narrow.data(), rows * lora_.rank);
}

template <typename T>
void Linear<T>::multiply_second(const LowRank<T>& low, std::size_t rows, float* y) const {
  const ops::LinearInput<T> input{nullptr, rows, 0, low.narrow.data(), lora_.rank};
  const std::uint32_t* second = exact_panels_.data() + ops::linear_panel_words<T>(in_);
  ops::kernels().rows<T>().linear_product_f32(input, {second, ops::linear_panel_words<T>(in_, lora_.rank), out_}, false,
                                              y, out_);
}

template <typename T>
template <typename Y>
void Linear<T>::multiply_exact(const T* x, const LowRank<T>& low, std::size_t rows, bool accumulate, Y* y) const {
  const auto& kernels = ops::kernels().rows<T>();
  const ops::LinearInput<T> input{x, rows, in_, low.narrow.data(), low.narrow.size() > 0 ? lora_.rank : 0};
  const ops::LinearPanels panels{exact_panels_.data(), ops::linear_panel_words<T>(in_, lora_.rank), out_};
  if constexpr (std::is_same_v<Y, T>) {
    kernels.linear_product(input, panels, accumulate, y, out_);
  } else {
    kernels.linear_product_f32(input, panels, accumulate, y, out_);
  }
}

template <typename T>
template <typename Y>
void Linear<T>::multiply_int8(const ops::Int8Rows& quantized, const LowRank<T>& low, std::size_t rows, Y* y) const {
  const auto& kernels = ops::kernels().rows<T>();
  static_assert(ops::kInt8Panel == ops::kLinearPanel);
  thread_local std::vector<float> sums;  // of one panel, so that the LoRA term is added before the only rounding
  for (std::size_t first = 0, p = 0; first < out_; first += ops::kInt8Panel, ++p) {
    const std::size_t columns = std::min(ops::kInt8Panel, out_ - first);
    if (lora_.rank == 0) {
      if constexpr (std::is_same_v<Y, T>) {
        kernels.int8_product(quantized, panel(p), columns, y + first, out_);
      } else {
        kernels.int8_product_f32(quantized, panel(p), columns, y + first, out_);
      }
      continue;
    }
    sums.resize(rows * ops::kInt8Panel);
    kernels.int8_product_f32(quantized, panel(p), columns, sums.data(), ops::kInt8Panel);
    const std::size_t second = ops::linear_panel_words<T>(lora_.rank);
    kernels.linear_product_f32({nullptr, rows, 0, low.narrow.data(), lora_.rank},
                               {low_second_.data() + p * second, second, columns}, true, sums.data(), ops::kInt8Panel);
    for (std::size_t r = 0; r < rows; ++r) {
      ops::kernels().rows<Y>().from_float(sums.data() + r * ops::kInt8Panel, y + r * out_ + first, columns);
    }
  }
}

template <typename T>
template <typename Y>
void Linear<T>::multiply(const T* x, const ops::Int8Rows& quantized, std::size_t rows, Y* y, const T* low_x) const {
  thread_local LowRank<T> low;
  multiply_low(low_x != nullptr ? low_x : x, rows, low);
  if (int8_) {
    TOME_CHECK(quantized.rows == rows && quantized.groups == ops::int8_groups(in_));
    multiply_int8(quantized, low, rows, y);
  } else {
    multiply_exact(x, low, rows, false, y);
  }
}

template class Linear<bf16>;
template class Linear<float>;
#define TOME_INSTANTIATE(T, Y)                                                                           \
  template void Linear<T>::multiply<Y>(const T*, const ops::Int8Rows&, std::size_t, Y*, const T*) const; \
  template void Linear<T>::multiply_exact<Y>(const T*, const LowRank<T>&, std::size_t, bool, Y*) const;
TOME_INSTANTIATE(bf16, bf16)
TOME_INSTANTIATE(bf16, float)
TOME_INSTANTIATE(float, float)
#undef TOME_INSTANTIATE

}  // namespace tome
