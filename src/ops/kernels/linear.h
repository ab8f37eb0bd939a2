// Products with packed weights of one level (see ops/linear.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace tome::ops::TOME_LEVEL {

template <typename T>
void linear_pack(const float* weights, std::size_t columns, std::size_t width, std::uint32_t* panel);
template <typename T, typename Y>
void linear_product(const T* x, std::size_t rows, std::size_t width, const std::uint32_t* panel, std::size_t columns,
                    Y* y, std::size_t stride);

}  // namespace tome::ops::TOME_LEVEL
