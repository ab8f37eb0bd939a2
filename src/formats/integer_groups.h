// Block-quantised rows as the integers that they are: w = scale * q + offset, 32 numbers a group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "formats/tensor_type.h"

namespace tome {

inline constexpr std::size_t kIntegerGroup = 32;

/// Unpacks one row of q.size() numbers (a multiple of the type's block) without any rounding; scales and offsets have
/// q.size() / kIntegerGroup entries. Returns false, and does nothing, for types that are not integers with one scale
/// for each 32 numbers (floats, Q6_K).
bool unpack_integers(TensorType type, std::span<const std::byte> row, std::span<std::int8_t> q, std::span<float> scales,
                     std::span<float> offsets);

/// True when the type's offsets can be other than zero.
bool has_offsets(TensorType type);

}  // namespace tome
