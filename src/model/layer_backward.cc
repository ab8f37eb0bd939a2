#include "model/layer_backward.h"

#include <algorithm>
#include <type_traits>

#include "base/error.h"
#include "base/resources.h"
#include "ops/kernels/kernels.h"

namespace tome {

template <typename T>
LayerBackward<T>::LayerBackward(const Model& model, Threads& threads, std::uint64_t head_group_bytes)
    : rows_(model, threads), attention_(rows_, head_group_bytes) {}

template <typename T>
void LayerBackward<T>::pack(Matrix m) {
  forward_[static_cast<std::size_t>(m)].pack(rows_.threads, rows_.weights()[m], Precision::kExact, rows_.lora(m));
}

// For the gradients of a LoRA pair whose layer is not computed again.
template <typename T>
void LayerBackward<T>::pack_first_factor(Matrix m) {
  forward_[static_cast<std::size_t>(m)].pack_first_factor(rows_.weights()[m].columns(), rows_.lora(m));
}

template <typename T>
void LayerBackward<T>::pack_transposed(Matrix m) {
  backward_[static_cast<std::size_t>(m)].pack_transposed(rows_.threads, rows_.weights()[m], rows_.lora(m));
}

template <typename T>
void LayerBackward<T>::release(std::initializer_list<Matrix> matrices) {
  for (const Matrix m : matrices) {
    for (Linear<T>* linear : {&forward_[static_cast<std::size_t>(m)], &backward_[static_cast<std::size_t>(m)]}) {
      if (linear->bytes() > kKeptMemory) *linear = {};
    }
  }
  rows_.model.release_layer(rows_.index);
}

// y = x W^T with its LoRA term, again, for the rows that see `seen`.
template <typename T>
template <typename Y>
void LayerBackward<T>::multiply(Matrix m, std::span<const ops::KeyRange> seen, const T* x, Y* y, Scratch& s) {
  forward(m).multiply(x, s.unused, seen.size(), y, rows_.low_input(m, seen, x, s));
}

// Through one linear layer, for the rows that see `seen`: dx (+)= dy W with its LoRA term, and the gradients of A and
// B.
template <typename T>
template <typename Y>
void LayerBackward<T>::linear_backward(Matrix m, std::span<const ops::KeyRange> seen, const T* x, const T* dy,
                                       bool accumulate, Y* dx, Scratch& s) {
  const Linear<T>& backward = backward_[static_cast<std::size_t>(m)];
  const auto& kernels = ops::kernels().rows<T>();
  const std::size_t count = seen.size();
  const T* dropped = rows_.low_input(m, seen, x, s);
  backward.multiply_low(dy, count, s.low_backward);
  if (rows_.gradients.has_lora(m)) {
    const T* low_x = dropped != nullptr ? dropped : x;
    const std::size_t rank = backward.rank();
    forward(m).multiply_low(low_x, count, s.low_forward);
    kernels.outer_product(low_x, backward.out(), s.low_backward.wide.data(), rank, count, backward.out(),
                          rows_.gradients.a(s.stripe, m));
    kernels.outer_product(dy, backward.in(), s.low_forward.wide.data(), rank, count, backward.in(),
                          rows_.gradients.b_transposed(s.stripe, m));
  }
  if (dropped == nullptr) {
    backward.multiply_exact(dy, s.low_backward, count, accumulate, dx);
    return;
  }
  // The LoRA term's gradient goes only where its input came from.
  const std::size_t numbers = count * backward.out();
  s.low_gradient.reserve(numbers);
  backward.multiply_second(s.low_backward, count, s.low_gradient.data());
  rows_.dropout.apply(rows_.index, m, seen, s.low_gradient.data(), backward.out(), s.low_gradient.data());
  const LowRank<T> none;
  if constexpr (std::is_same_v<Y, float>) {
    backward.multiply_exact(dy, none, count, accumulate, dx);
    ops::kernels().f32_rows.add(dx, s.low_gradient.data(), numbers);
  } else {
    TOME_CHECK(!accumulate);
    backward.multiply_exact(dy, none, count, true, s.low_gradient.data());
    kernels.from_float(s.low_gradient.data(), dx, numbers);
  }
}

// The gradient of a branch before it joined the residual stream, in T: d itself, or d through the norm after the
// branch.
template <typename T>
const T* LayerBackward<T>::branch_gradient(const T* d, const float* branch, Norm norm, std::size_t count,
                                           BackwardScratch<T>& s) {
  const std::vector<float>& weight = rows_.weights()[norm];
  if (weight.empty()) return d;
  const auto& kernels = ops::kernels().rows<T>();
  kernels.to_float(d, s.wide.data(), count * rows_.config.width);
  ops::kernels().f32_rows.rms_norm_backward(branch, weight.data(), rows_.config.norm_epsilon, s.wide.data(), count,
                                            rows_.config.width, s.wide.data(), rows_.gradients.norm(s.stripe, norm));
  kernels.from_float(s.wide.data(), s.narrow.data(), count * rows_.config.width);
  return s.narrow.data();
}

// Leaves of rows [first, first + count): branch (attention's, before its norm, where there is one), hidden (the
// residual stream between the branches), normed, gate, up.
template <typename T>
void LayerBackward<T>::feed_forward_again(const T* attended, std::size_t first, std::size_t count,
                                          BackwardScratch<T>& s) {
  const auto& kernels = ops::kernels().rows<T>();
  const std::size_t width = rows_.config.width;
  const std::size_t numbers = count * rows_.config.feed_forward;
  const LayerTape<T>& tape = rows_.input.tape;
  const auto seen = std::span<const ops::KeyRange>(rows_.query_visible).subspan(first, count);
  if (tape.hidden == nullptr || has_branch_norms()) {
    multiply(Matrix::kOutput, seen, attended, s.branch.data(), s);
  }
  if (tape.hidden != nullptr) {
    std::copy_n(tape.hidden + first * width, count * width, s.hidden.data());
    std::copy_n(tape.gate + first * rows_.config.feed_forward, numbers, s.gate.data());
    std::copy_n(tape.up + first * rows_.config.feed_forward, numbers, s.up.data());
  } else {
    const float* joined = s.branch.data();
    if (has_branch_norms()) {
      ops::kernels().f32_rows.rms_norm(s.branch.data(), rows_.weights().post_attention_norm.data(),
                                       rows_.config.norm_epsilon, count, width, s.wide.data());
      joined = s.wide.data();
    }
    std::copy_n(rows_.query_x(first, count, s), count * width, s.hidden.data());
    kernels.add_f32(s.hidden.data(), joined, count * width);
  }
  kernels.rms_norm(s.hidden.data(), rows_.weights().feed_forward_norm.data(), rows_.config.norm_epsilon, count, width,
                   s.normed.data());
  if (tape.hidden != nullptr) return;
  multiply(Matrix::kGate, seen, s.normed.data(), s.gate.data(), s);
  multiply(Matrix::kUp, seen, s.normed.data(), s.up.data(), s);
}

// Everything after attention: d becomes the gradient of the residual stream between the two branches, attention's
// output its gradient, delta their product.
template <typename T>
void LayerBackward<T>::after_attention(T* d, std::size_t first, std::size_t count, BackwardScratch<T>& s) {
  const auto& kernels = ops::kernels().rows<T>();
  const std::size_t width = rows_.config.width;
  const std::size_t heads_width = rows_.config.heads * rows_.config.head_width;
  const std::size_t numbers = count * rows_.config.feed_forward;
  const bool gelu = rows_.config.family == Family::kGemma3;
  T* attended = attention_.output() + first * heads_width;
  d += first * width;
  const auto seen = std::span<const ops::KeyRange>(rows_.query_visible).subspan(first, count);
  feed_forward_again(attended, first, count, s);
  std::copy_n(s.gate.data(), numbers, s.product.data());
  (gelu ? kernels.gelu_product : kernels.silu_product)(s.product.data(), s.up.data(), numbers);

  if (has_branch_norms()) multiply(Matrix::kDown, seen, s.product.data(), s.heads.data(), s);
  const T* d_branch = branch_gradient(d, s.heads.data(), Norm::kPostFeedForward, count, s);
  linear_backward(Matrix::kDown, seen, s.product.data(), d_branch, false, s.d_product.data(), s);
  (gelu ? kernels.gelu_product_backward : kernels.silu_product_backward)(s.gate.data(), s.up.data(), s.d_product.data(),
                                                                         numbers);
  linear_backward(Matrix::kGate, seen, s.normed.data(), s.gate.data(), false, s.wide.data(), s);
  linear_backward(Matrix::kUp, seen, s.normed.data(), s.up.data(), true, s.wide.data(), s);
  kernels.rms_norm_backward(s.hidden.data(), rows_.weights().feed_forward_norm.data(), rows_.config.norm_epsilon,
                            s.wide.data(), count, width, s.wide.data(),
                            rows_.gradients.norm(s.stripe, Norm::kFeedForward));
  kernels.add_f32(d, s.wide.data(), count * width);

  const T* d_output = branch_gradient(d, s.branch.data(), Norm::kPostAttention, count, s);
  linear_backward(Matrix::kOutput, seen, attended, d_output, false, s.heads.data(), s);
  for (std::size_t r = 0; r < count * rows_.config.heads; ++r) {
    attention_.delta()[first * rows_.config.heads + r] = kernels.dot(
        attended + r * rows_.config.head_width, s.heads.data() + r * rows_.config.head_width, rows_.config.head_width);
  }
  kernels.from_float(s.heads.data(), attended, count * heads_width);
}

// Adds the queries' part to the gradient of normed rows [first, first + count), which lie in s.wide and s.normed.
template <typename T>
void LayerBackward<T>::query_gradients(std::size_t first, std::size_t count, BackwardScratch<T>& s) {
  const std::size_t width = rows_.config.width;
  const std::size_t heads_width = rows_.config.heads * rows_.config.head_width;
  if (rows_.input.queries.empty()) {
    linear_backward(Matrix::kQuery, rows_.input.visible.subspan(first, count), s.normed.data(),
                    attention_.output() + first * heads_width, true, s.wide.data(), s);
    return;
  }
  const auto& rows = rows_.input.queries;
  const auto begin = std::lower_bound(rows.begin(), rows.end(), first);
  const auto end = std::lower_bound(begin, rows.end(), first + count);
  if (begin == end) return;
  const auto here = static_cast<std::size_t>(end - begin);
  for (std::size_t r = 0; r < here; ++r) {
    std::copy_n(s.normed.data() + (begin[static_cast<std::ptrdiff_t>(r)] - first) * width, width,
                s.gathered.data() + r * width);
  }
  const auto at = static_cast<std::size_t>(begin - rows.begin());
  linear_backward(Matrix::kQuery, std::span<const ops::KeyRange>(rows_.query_visible).subspan(at, here),
                  s.gathered.data(), attention_.output() + at * heads_width, false, s.branch.data(), s);
  for (std::size_t r = 0; r < here; ++r) {
    ops::kernels().f32_rows.add(s.wide.data() + (begin[static_cast<std::ptrdiff_t>(r)] - first) * width,
                                s.branch.data() + r * width, width);
  }
}

// Everything before attention: from dq, dk and dv to dx.
template <typename T>
void LayerBackward<T>::before_attention(const T* d, T* dx) {
  const auto& kernels = ops::kernels().rows<T>();
  const std::size_t width = rows_.config.width;
  const std::size_t kv_width = rows_.config.kv_heads * rows_.config.head_width;
  if (!rows_.input.queries.empty()) {
    std::fill_n(dx, rows_.positions.size() * width, T(0.0f));
    for (std::size_t i = 0; i < rows_.input.queries.size(); ++i) {
      std::copy_n(d + i * width, width, dx + rows_.input.queries[i] * width);
    }
  } else if (dx != d) {
    std::copy_n(d, rows_.positions.size() * width, dx);
  }
  rows_.for_blocks(rows_.positions.size(), [&](std::size_t first, std::size_t count, BackwardScratch<T>& s) {
    const T* x = rows_.input.x + first * width;
    const auto seen = rows_.input.visible.subspan(first, count);
    rows_.norm(x, count, s);
    linear_backward(Matrix::kValue, seen, s.normed.data(), attention_.dv() + first * kv_width, false, s.wide.data(), s);
    linear_backward(Matrix::kKey, seen, s.normed.data(), attention_.dk() + first * kv_width, true, s.wide.data(), s);
    query_gradients(first, count, s);
    kernels.rms_norm_backward(x, rows_.weights().attention_norm.data(), rows_.config.norm_epsilon, s.wide.data(), count,
                              width, s.wide.data(), rows_.gradients.norm(s.stripe, Norm::kAttention));
    kernels.add_f32(dx + first * width, s.wide.data(), count * width);
  });
}

template <typename T>
void LayerBackward<T>::run(std::size_t index, const LayerAdapter* adapter, const LayerBackwardInput<T>& input, T* d,
                           T* dx, const LayerGradient& gradient) {
  rows_.begin(index, adapter, input);
  rows_.gradients.start(gradient, adapter);
  attention_.attend();
  const bool kept = rows_.input.tape.hidden != nullptr;
  for (const Matrix m : {Matrix::kOutput, Matrix::kGate, Matrix::kUp, Matrix::kDown}) {
    const bool ends_branch = m == Matrix::kOutput || m == Matrix::kDown;
    const bool again = ends_branch && has_branch_norms() ? true : m != Matrix::kDown && !kept;
    again ? pack(m) : pack_first_factor(m);
    pack_transposed(m);
  }
  rows_.for_blocks(rows_.queries(), [&](std::size_t first, std::size_t count, BackwardScratch<T>& s) {
    after_attention(d, first, count, s);
  });
  sample_private_peak();
  release({Matrix::kOutput, Matrix::kGate, Matrix::kUp, Matrix::kDown});
  attention_.run();
  for (const Matrix m : {Matrix::kQuery, Matrix::kKey, Matrix::kValue}) {
    pack_first_factor(m);
    pack_transposed(m);
  }
  before_attention(d, dx);
  sample_private_peak();
  release({Matrix::kQuery, Matrix::kKey, Matrix::kValue});
  attention_.release();
  rows_.gradients.add_to(gradient);
}

template class LayerBackward<bf16>;
template class LayerBackward<float>;

}  // namespace tome
