// Matrix products of linear layers: y = x W^T, the one place where oneDNN is used.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/bf16.h"

namespace tome::ops {

/// Two rows of bf16 or f32: the number type that products of activations of type T use at this CPU level (f32 where the
/// CPU has no bf16 dot product).
bool multiplies_bf16();

/// W [out][in], laid out for products y = x W^T by oneDNN. Immutable; shared by threads.
template <typename T>
class PackedMatrix {
 public:
  PackedMatrix(std::size_t out, std::size_t in);
  ~PackedMatrix();
  PackedMatrix(PackedMatrix&&) noexcept;
  PackedMatrix& operator=(PackedMatrix&&) noexcept;

  std::size_t out() const;
  std::size_t in() const;
  /// Bytes held.
  std::size_t bytes() const;

  /// Packs the whole matrix, f32 row-major [out][in].
  void pack(std::span<const float> weights);

  /// y[rows][y_stride] (columns [0, out)) = x[rows][in] W^T, f32 sums. Single-threaded: callers split the rows.
  void multiply(const T* x, std::size_t rows, T* y, std::size_t y_stride) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tome::ops
