#include "model/lora_dropout.h"

#include <algorithm>
#include <cmath>

#include "base/bf16.h"
#include "base/random.h"

namespace tome {

template <typename T>
void LoraDropout::apply(std::size_t layer, Matrix m, std::span<const ops::KeyRange> rows, const T* x, std::size_t width,
                        T* out) const {
  constexpr std::size_t kAtOnce = 8;  // 16 bits decide on one number
  const auto limit = static_cast<std::uint32_t>(std::lround(rate * 65536));
  const float scale = 1 / (1 - rate);
  const RandomStream random(seed, layer * kMatrices.size() + static_cast<std::size_t>(m));
  const std::uint64_t blocks = (width + kAtOnce - 1) / kAtOnce;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const std::uint64_t first = static_cast<std::uint64_t>(rows[r].end - 1) * blocks;
    for (std::size_t c = 0; c < width; c += kAtOnce) {
      const PhiloxBlock bits = random.block(first + c / kAtOnce);
      const std::size_t count = std::min(kAtOnce, width - c);
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t draw = bits[i / 2] >> (i % 2 * 16) & 0xffffu;
        const std::size_t at = r * width + c + i;
        out[at] = draw < limit ? T(0.0f) : T(static_cast<float>(x[at]) * scale);
      }
    }
  }
}

template void LoraDropout::apply<bf16>(std::size_t, Matrix, std::span<const ops::KeyRange>, const bf16*, std::size_t,
                                       bf16*) const;
template void LoraDropout::apply<float>(std::size_t, Matrix, std::span<const ops::KeyRange>, const float*, std::size_t,
                                        float*) const;

}  // namespace tome
