// One level's attention tile (see AttentionTile in kernels.h).
#pragma once

#include "ops/kernels/kernels.h"

namespace tome::ops::TOME_LEVEL {

template <typename T>
void attention_tile(const AttentionTile<T>& tile, void* memory);

/// Bytes of the scratch (64-byte aligned) that a thread hands to attention_tile.
std::size_t attention_scratch_bytes();

}  // namespace tome::ops::TOME_LEVEL
