// Memory aligned to cache lines, uninitialised, for packed blocks and row buffers.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>

namespace tome {

template <typename T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t count)
      : data_(static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{64}))), count_(count) {}

  T* data() const { return data_.get(); }
  std::size_t size() const { return count_; }
  std::size_t bytes() const { return count_ * sizeof(T); }
  std::span<T> span() const { return {data_.get(), count_}; }
  T& operator[](std::size_t i) const { return data_.get()[i]; }

  /// Keeps the memory when it is large enough; the contents are lost otherwise.
  void reserve(std::size_t count) {
    if (count > count_) *this = AlignedBuffer(count);
  }

 private:
  struct Free {
    void operator()(T* p) const { ::operator delete (static_cast<void*>(p), std::align_val_t{64}); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t count_ = 0;
};

}  // namespace tome
