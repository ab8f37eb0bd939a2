// Int8 dot products of quantised weight rows (see ops/gemv.h).
#pragma once

#include <cstddef>
#include <span>

#include "ops/gemv.h"

namespace tome::ops::TOME_LEVEL {

/// x as int8 with a scale for each kGemvGroup numbers, in the orders that the kernels read.
void quantize_vector(std::span<const float> x, GemvInput& out);

/// y[r] = rows[r] * x for consecutive rows. False, and nothing done, when this level has no kernel for the type.
bool gemv(TensorType type, const std::byte* rows, std::size_t row_bytes, const GemvInput& x, std::span<float> y);

}  // namespace tome::ops::TOME_LEVEL
