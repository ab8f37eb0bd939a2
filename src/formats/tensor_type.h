// Number types a stored tensor can have: plain floats and GGUF's block-quantised types.
// Layouts: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and ggml-common.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tome {

/// The values are GGUF's own type numbers.
enum class TensorType : std::uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ8_0 = 8,
  kQ4_K = 12,
  kQ6_K = 14,
  kBF16 = 30,
};

struct TensorTypeInfo {
  std::string_view name;     // "Q4_K"
  std::size_t block_values;  // numbers in one block (1, 32 or 256)
  std::size_t block_bytes;   // bytes of one block
};

/// The type with GGUF's number `number`; std::nullopt when it is none of the above.
std::optional<TensorType> known_tensor_type(std::uint32_t number);

/// Total for every enumerator above.
const TensorTypeInfo& info(TensorType type);

/// Bytes of `values` consecutive numbers; values must be a multiple of the block.
std::size_t byte_size(TensorType type, std::size_t values);

/// Unpacks out.size() numbers (a multiple of the block) from `blocks` (exactly byte_size(type, out.size()) bytes).
/// Bit for bit what the PyPI package gguf's `dequantize` gives.
void dequantize(TensorType type, std::span<const std::byte> blocks, std::span<float> out);

/// Packs values (a multiple of the block) into out (exactly byte_size(type, values.size()) bytes), rounding to nearest.
/// Q4_0, Q4_1, Q5_0 and Q8_0 come out as the package gguf packs them; for Q4_K and Q6_K scales are searched. Throws
/// UserError when a block type gets a number that is infinite, NaN or too large for the 16-bit scale.
void quantize(TensorType type, std::span<const float> values, std::span<std::byte> out);

}  // namespace tome
