// Quantised K and V planes of one level (see KvType in ops/attention.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/attention.h"

namespace tome::ops::TOME_LEVEL {

void kv_quantize(KvType type, const std::uint32_t* words, std::size_t count, std::uint32_t* plane);
void kv_unpack(KvType type, const std::uint32_t* plane, std::size_t count, std::uint32_t* words);

}  // namespace tome::ops::TOME_LEVEL
