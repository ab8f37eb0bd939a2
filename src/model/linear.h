// One linear layer, y = x W^T (+ the LoRA term), in the form that suits the pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned.h"
#include "base/threads.h"
#include "formats/tensor_view.h"
#include "ops/int8.h"
#include "ops/linear.h"

namespace tome {

/// How a layer's matrices are multiplied.
enum class Precision {
  kExact,  // weights unpacked to the activation type (or f32), f32 sums
  kInt8,   // int8 weights and activations (reading only); kExact where the CPU has no int8 dot product, or bf16 tiles
           // that are faster
};

/// A low-rank addition s (x A^T) B^T, borrowed. A [rank][in], B [out][rank].
struct LoraPair {
  const float* a = nullptr;
  const float* b = nullptr;
  std::size_t rank = 0;  // 0: none
  float scale = 0;
};

/// The product with the first factor of a LoRA pair, [rows][rank]: x A^T of a layer, or s dy B of its transpose.
template <typename T>
struct LowRank {
  AlignedBuffer<float> wide;  // the sums as they are, for gradients
  AlignedBuffer<T> narrow;    // rounded, as the second factor is multiplied with
};

/// W packed for many rows. Immutable after pack(); multiply() may be called by all threads at once.
template <typename T>
class Linear {
 public:
  /// Unpacks `weight` [out][in], split over the threads; may be called again with another weight of any shape.
  void pack(Threads& threads, const TensorView& weight, Precision precision, const LoraPair& lora = {});
  /// Packs W^T exactly, so that multiply() takes gradients of y [rows][out] to those of x [rows][in]: out() and in() of
  /// this object are then the weight's in and out.
  void pack_transposed(Threads& threads, const TensorView& weight, const LoraPair& lora = {});

  /// The LoRA pair's first factor alone, for multiply_low().
  void pack_first_factor(std::size_t inputs, const LoraPair& lora);

  std::size_t out() const { return out_; }
  std::size_t in() const { return in_; }
  std::size_t rank() const { return lora_.rank; }
  std::size_t bytes() const;

  /// y[rows][out] = x[rows][in] W^T + lora. `quantized`: x as int8 rows when precision() is kInt8 (else ignored), so
  /// that several layers with the same input quantise it once. One thread's work. Y: T, or float for the sums as they
  /// are. low_x: what the LoRA pair sees, when that is not x.
  template <typename Y>
  void multiply(const T* x, const ops::Int8Rows& quantized, std::size_t rows, Y* y, const T* low_x = nullptr) const;
  /// The exact product, with `low` as multiply_low() left it (empty: without the LoRA term); y is added to when
  /// `accumulate`.
  template <typename Y>
  void multiply_exact(const T* x, const LowRank<T>& low, std::size_t rows, bool accumulate, Y* y) const;
  /// low = x times the first factor; nothing when there is no LoRA pair.
  void multiply_low(const T* x, std::size_t rows, LowRank<T>& low) const;
  /// y [rows][out] = the LoRA term alone, of an exact layer.
  void multiply_second(const LowRank<T>& low, std::size_t rows, float* y) const;

  /// True when multiply() reads `quantized`.
  bool wants_int8() const { return int8_; }

 private:
  void pack_int8(Threads& threads, const TensorView& weight);
  void pack_low(std::size_t inputs, const float* first_factor, float scale);
  void pack_second_factor(std::size_t panel, const float* factor, std::size_t row_step, std::size_t rank_step,
                          float scale, std::uint32_t* to) const;
  ops::Int8Panel panel(std::size_t index) const;
  template <typename Y>
  void multiply_int8(const ops::Int8Rows& quantized, const LowRank<T>& low, std::size_t rows, Y* y) const;

  std::size_t out_ = 0, in_ = 0;
  bool int8_ = false;
  bool has_offsets_ = false;
  LoraPair lora_;
  AlignedBuffer<std::uint32_t> exact_panels_;  // exact: kLinearPanel output columns each, LoRA's second factor behind
  AlignedBuffer<std::uint32_t> low_panels_;    // LoRA's first factor
  AlignedBuffer<std::uint32_t> low_second_;    // int8: LoRA's second factor, panel by panel
  AlignedBuffer<std::int8_t> panels_;          // int8: kInt8Panel output columns each
  AlignedBuffer<float> scales_, offsets_;
  AlignedBuffer<std::int32_t> bias_;
};

}  // namespace tome
