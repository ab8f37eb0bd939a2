// Int8 products of one level (see ops/int8.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/int8.h"

namespace tome::ops::TOME_LEVEL {

template <typename T>
void quantize_rows(const T* x, std::size_t rows, std::size_t width, Int8Rows& out);
void int8_pack(const float* weights, std::size_t columns, std::size_t width, std::int8_t* panel, float* scales,
               std::int32_t* bias);
template <typename T>
void int8_product(const Int8Rows& x, const std::int8_t* panel, const float* scales, const std::int32_t* bias,
                  std::size_t columns, T* y, std::size_t stride);

}  // namespace tome::ops::TOME_LEVEL
