#include "ops/gemv.h"

#include "base/error.h"
#include "ops/kernels/kernels.h"

namespace tome::ops {

void GemvInput::set(std::span<const float> x, bool exact) {
  values_.assign(x.begin(), x.end());
  const std::size_t n = x.size();
  quantized_ = !exact && kernels().int8 && n % 64 == 0;
  if (!quantized_) return;
  in_order.resize(n);
  paired.resize(n);
  scales.resize(n / 32);
  factors.resize(n / 16);
  half_sums.resize(n / 16);
  kernels().quantize_vector(values_, *this);
}

namespace {

// Rows of floats are multiplied where they lie.
template <typename T>
void dot_rows(const std::byte* rows, std::size_t width, const float* x, std::span<float> y) {
  const auto& kernels = ops::kernels().rows<T>();
  for (std::size_t r = 0; r < y.size(); ++r) y[r] = kernels.dot(reinterpret_cast<const T*>(rows) + r * width, x, width);
}

bool is_aligned(const std::byte* rows, std::size_t bytes) {
  return reinterpret_cast<std::uintptr_t>(rows) % bytes == 0;
}

}  // namespace

void gemv(const TensorView& weight, std::size_t first, const GemvInput& x, std::span<float> y) {
  const std::size_t width = weight.columns();
  TOME_CHECK(x.values().size() == width && first + y.size() <= weight.rows());
  const std::size_t row_bytes = byte_size(weight.type, width);
  const auto rows = weight.data.subspan(first * row_bytes, y.size() * row_bytes);
  const float* values = x.values().data();
  if (weight.type == TensorType::kBF16 && is_aligned(rows.data(), 2))
    return dot_rows<bf16>(rows.data(), width, values, y);
  if (weight.type == TensorType::kF32 && is_aligned(rows.data(), 4))
    return dot_rows<float>(rows.data(), width, values, y);
  if (x.quantized() && kernels().gemv(weight.type, rows.data(), row_bytes, x, y)) return;
  std::vector<float> row(width);
  for (std::size_t r = 0; r < y.size(); ++r) {
    dequantize(weight.type, rows.subspan(r * row_bytes, row_bytes), row);
    y[r] = kernels().f32_rows.dot(row.data(), values, width);
  }
}

}  // namespace tome::ops
