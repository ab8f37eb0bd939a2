// Int8 products of one level (see ops/int8.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/int8.h"

namespace tome::ops::TOME_LEVEL {

template <typename T>
void quantize_rows(const T* x, std::size_t rows, std::size_t width, Int8Rows& out);
void int8_quantize_weights(const float* weights, std::size_t width, Int8Weights& out);
void int8_pack(const Int8Weights& weights, const Int8Panel& panel);
template <typename T>
void int8_product(const Int8Rows& x, const Int8Panel& panel, std::size_t columns, T* y, std::size_t stride);

}  // namespace tome::ops::TOME_LEVEL
