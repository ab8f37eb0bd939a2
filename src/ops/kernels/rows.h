// Row-wise operations of one level (see RowKernels in kernels.h).
#pragma once

#include <cstddef>

namespace tome::ops::TOME_LEVEL {

template <typename T>
void rms_norm(const T* x, const float* weight, float epsilon, std::size_t rows, std::size_t width, T* out);
template <typename T>
void rms_norm_backward(const T* x, const float* weight, float epsilon, const float* dy, std::size_t rows,
                       std::size_t width, float* dx, float* dw);
template <typename T>
void silu_product_backward(T* gate, T* up, const T* d_product, std::size_t n);
template <typename T>
void gelu_product_backward(T* gate, T* up, const T* d_product, std::size_t n);
template <typename T>
void add_rows(T* x, const T* y, std::size_t n);
template <typename T>
void add_f32(T* x, const float* y, std::size_t n);
template <typename T>
void silu_product(T* gate, const T* up, std::size_t n);
template <typename T>
void gelu_product(T* gate, const T* up, std::size_t n);
template <typename T>
void rope_half(T* x, std::size_t heads, std::size_t width, const float* cosine, const float* sine);
template <typename T>
void rope_pairs(T* x, std::size_t heads, std::size_t width, const float* cosine, const float* sine);
template <typename T>
float dot(const T* x, const float* w, std::size_t n);
template <typename T>
float exponentials(const float* x, float peak, T* out, std::size_t n);
template <typename T>
void to_float(const T* x, float* out, std::size_t n);
template <typename T>
void from_float(const float* x, T* out, std::size_t n);

}  // namespace tome::ops::TOME_LEVEL
