#include "ops/gemv.h"

#include <algorithm>
#include <cmath>

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
  sums.resize(n / 32);
  half_sums.resize(n / 16);
  for (std::size_t g = 0; g < n / 32; ++g) {
    float top = 0;
    for (std::size_t i = 0; i < 32; ++i) top = std::max(top, std::fabs(x[32 * g + i]));
    scales[g] = top / 127.0f;
    const float inverse = top > 0 ? 127.0f / top : 0.0f;
    for (std::size_t half = 0; half < 2; ++half) {
      int total = 0;
      for (std::size_t i = 16 * half; i < 16 * half + 16; ++i) {
        const auto q = static_cast<std::int8_t>(std::nearbyintf(x[32 * g + i] * inverse));
        in_order[32 * g + i] = q;
        paired[64 * (g / 2) + 32 * half + 16 * (g % 2) + i % 16] = q;
        total += q;
      }
      half_sums[2 * g + half] = scales[g] * static_cast<float>(total);
    }
    sums[g] = half_sums[2 * g] + half_sums[2 * g + 1];
  }
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
