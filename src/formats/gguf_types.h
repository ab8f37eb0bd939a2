// GGUF's numbers for metadata value types and for tensor types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace tome {

enum class GgufType : std::uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

/// The fewest bytes that a value of this type takes in a file; 0 for a number that is no type.
std::size_t gguf_type_bytes(GgufType type);

/// ggml's name of tensor type `number`, also of those that tome cannot read: "IQ4_XS"; for an unknown one its number.
std::string ggml_type_name(std::uint32_t number);

}  // namespace tome
