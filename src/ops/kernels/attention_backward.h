// One level's steps of attention's backward pass (see BackwardKernels in kernels.h).
#pragma once

#include "ops/kernels/kernels.h"

namespace tome::ops::TOME_LEVEL {

template <typename T>
int backward_pack();
template <typename T>
int backward_keys();
template <typename T>
int backward_query_place(int query);
template <typename T>
std::size_t backward_scratch_bytes();
template <typename T>
void backward_pack_queries(const T* rows, std::ptrdiff_t stride, int count, int width, int queries,
                           std::uint32_t* columns, std::uint32_t* lines);
template <typename T>
void backward_load_keys(const T* k, const T* v, std::ptrdiff_t stride, int count, int width, void* memory);
template <typename T>
void backward_scores(const BackwardTile& tile, void* memory);
template <typename T>
void backward_add_queries(const BackwardTile& tile, void* memory);
template <typename T>
void backward_store_keys(int count, int width, float scale, bool add, float* dk, float* dv, std::ptrdiff_t stride,
                         const void* memory);

}  // namespace tome::ops::TOME_LEVEL
