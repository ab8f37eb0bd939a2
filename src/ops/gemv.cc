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

void gemv(const TensorView& weight, std::size_t first, const GemvInput& x, std::span<float> y) {
  const std::size_t width = weight.columns();
  TOME_CHECK(x.values().size() == width && first + y.size() <= weight.rows());
  const std::size_t row_bytes = byte_size(weight.type, width);
  const auto rows = weight.data.subspan(first * row_bytes, y.size() * row_bytes);
  if (x.quantized() && kernels().gemv(weight.type, rows.data(), row_bytes, x, y)) return;
  std::vector<float> row(width);
  for (std::size_t r = 0; r < y.size(); ++r) {
    dequantize(weight.type, rows.subspan(r * row_bytes, row_bytes), row);
    y[r] = kernels().f32_rows.dot(row.data(), x.values().data(), width);
  }
}

}  // namespace tome::ops
