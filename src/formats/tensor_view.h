// A named tensor that lies in a mapped file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "formats/tensor_type.h"

namespace tome {

struct TensorView {
  std::string name;
  TensorType type = TensorType::kF32;
  /// Row-major, outermost first (a linear layer's weight is [out features, in features]); GGUF stores it reversed.
  std::vector<std::size_t> shape;
  std::span<const std::byte> data;

  std::size_t values() const {
    std::size_t n = 1;
    for (const std::size_t extent : shape) n *= extent;
    return n;
  }
  std::size_t columns() const { return shape.empty() ? 1 : shape.back(); }
  std::size_t rows() const { return shape.empty() ? 1 : values() / shape.back(); }
  /// Bytes of row `r` of the tensor seen as rows() x columns().
  std::span<const std::byte> row(std::size_t r) const {
    const std::size_t bytes = byte_size(type, columns());
    return data.subspan(r * bytes, bytes);
  }
  /// Rows [first, first + count) as a tensor of their own, without a name.
  TensorView row_slice(std::size_t first, std::size_t count) const {
    const std::size_t bytes = byte_size(type, columns());
    return {{}, type, {count, columns()}, data.subspan(first * bytes, count * bytes)};
  }
};

}  // namespace tome
