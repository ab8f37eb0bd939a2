// GGUF files made by hand, right or wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "formats/gguf_types.h"
#include "formats/tensor_type.h"

namespace tome {

struct GgufBytes {
  std::string bytes;

  template <typename T>
  GgufBytes& number(T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  GgufBytes& u32(std::uint32_t value) { return number(value); }
  GgufBytes& u64(std::uint64_t value) { return number(value); }
  GgufBytes& string(std::string_view text) {
    u64(text.size());
    bytes += text;
    return *this;
  }

  GgufBytes& header(std::uint64_t tensors, std::uint64_t keys, std::uint32_t version = 3) {
    bytes += "GGUF";
    return u32(version).u64(tensors).u64(keys);
  }
  GgufBytes& key(std::string_view name, GgufType type) { return string(name).number(type); }
  GgufBytes& array(std::string_view name, GgufType type, std::uint64_t count) {
    return key(name, GgufType::kArray).number(type).u64(count);
  }
  /// One dimension.
  GgufBytes& tensor(std::string_view name, TensorType type, std::uint64_t extent, std::uint64_t offset) {
    return string(name).u32(1).u64(extent).number(type).u64(offset);
  }
  GgufBytes& pad_to(std::size_t alignment) {
    bytes.append((alignment - bytes.size() % alignment) % alignment, '\0');
    return *this;
  }
  GgufBytes& data(std::size_t size) {
    pad_to(32);
    bytes.append(size, '\1');
    return *this;
  }
};

}  // namespace tome
