// Products with packed weights of one level (see ops/linear.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/linear.h"

namespace tome::ops::TOME_LEVEL {

template <typename T>
void linear_pack(const float* weights, std::size_t columns, std::size_t width, std::uint32_t* panel);
template <typename T>
void linear_pack_transposed(const float* rows, std::size_t count, std::size_t stride, std::size_t columns,
                            std::uint32_t* panel);
template <typename T, typename Y>
void linear_product(const LinearInput<T>& x, const LinearPanels& panels, bool accumulate, Y* y, std::size_t stride);
template <typename T>
void outer_product(const T* x, std::size_t stride, const float* low, std::size_t rank, std::size_t rows,
                   std::size_t width, float* sums);

}  // namespace tome::ops::TOME_LEVEL
