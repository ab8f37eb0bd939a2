#include "model/layer_backward.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "ops/kernels/kernels.h"

namespace tome {
namespace {

constexpr std::size_t kKeepBytes = std::size_t{64} << 20;  // larger memory goes back to the system between its uses

template <typename T>
void let_go(AlignedBuffer<T>& buffer) {
  if (buffer.bytes() > kKeepBytes) buffer = {};
}

std::ptrdiff_t stride(std::size_t width) { return static_cast<std::ptrdiff_t>(width); }

}  // namespace

template <typename T>
LayerBackward<T>::LayerBackward(const Model& model, Threads& threads, std::uint64_t head_group_bytes)
    : model_(model),
      config_(model.config()),
      threads_(threads),
      shape_(attention_shape(config_)),
      head_group_bytes_(head_group_bytes),
      rotation_(config_),
      gradients_(config_, static_cast<std::size_t>(threads.count())),
      scratch_(static_cast<std::size_t>(threads.count())) {
  const std::size_t widest = std::max({config_.width, config_.heads * config_.head_width});
  for (std::size_t i = 0; i < scratch_.size(); ++i) {
    Scratch& s = scratch_[i];
    s.stripe = i;
    for (auto* rows : {&s.gathered, &s.normed, &s.hidden}) *rows = AlignedBuffer<T>(kRowBlock * config_.width);
    s.narrow = AlignedBuffer<T>(kRowBlock * widest);
    for (auto* rows : {&s.gate, &s.up, &s.product, &s.d_product}) {
      *rows = AlignedBuffer<T>(kRowBlock * config_.feed_forward);
    }
    for (auto* rows : {&s.wide, &s.branch, &s.heads, &s.head_gradient}) {
      *rows = AlignedBuffer<float>(kRowBlock * widest);
    }
  }
}

// Blocks of rows, dealt to the threads in turn: which thread sums what does not depend on their speed.
template <typename T>
template <typename Body>
void LayerBackward<T>::for_blocks(std::size_t rows, const Body& body) {
  const std::size_t blocks = (rows + kRowBlock - 1) / kRowBlock;
  threads_.for_each(scratch_.size(), [&](std::size_t stripe, int) {
    for (std::size_t b = stripe; b < blocks; b += scratch_.size()) {
      body(b * kRowBlock, std::min(kRowBlock, rows - b * kRowBlock), scratch_[stripe]);
    }
  });
}

template <typename T>
void LayerBackward<T>::begin(std::size_t index, const LayerAdapter* adapter, const LayerBackwardInput<T>& input) {
  TOME_CHECK(input.visible.size() == input.positions.size());
  index_ = index;
  adapter_ = adapter;
  positions_.assign(input.positions.begin(), input.positions.end());
  query_positions_ = positions_;
  query_visible_.assign(input.visible.begin(), input.visible.end());
  if (!input.queries.empty()) {
    query_positions_.clear();
    query_visible_.clear();
    for (const std::uint32_t row : input.queries) {
      query_positions_.push_back(input.positions[row]);
      query_visible_.push_back(input.visible[row]);
    }
  }
  groups_ = head_groups<T>(shape_, positions_.size(), head_group_bytes_);
  heads_ready_ = false;
}

template <typename T>
void LayerBackward<T>::pack(Matrix m) {
  forward_[static_cast<std::size_t>(m)].pack(threads_, weights()[m], Precision::kExact, lora(m));
}

// Heads [first_head, first_head + heads) of q, k or v.
template <typename T>
void LayerBackward<T>::pack_heads(Matrix m, std::size_t first_head, std::size_t heads) {
  const std::size_t first = first_head * config_.head_width;
  LoraPair pair = lora(m);
  if (pair.rank > 0) pair.b += first * pair.rank;
  forward_[static_cast<std::size_t>(m)].pack(threads_, weights()[m].row_slice(first, heads * config_.head_width),
                                             Precision::kExact, pair);
}

// For the gradients of a LoRA pair whose layer is not computed again.
template <typename T>
void LayerBackward<T>::pack_first_factor(Matrix m) {
  forward_[static_cast<std::size_t>(m)].pack_first_factor(weights()[m].columns(), lora(m));
}

template <typename T>
void LayerBackward<T>::pack_transposed(Matrix m) {
  backward_[static_cast<std::size_t>(m)].pack_transposed(threads_, weights()[m], lora(m));
}

template <typename T>
void LayerBackward<T>::release(std::initializer_list<Matrix> matrices) {
  for (const Matrix m : matrices) {
    for (Linear<T>* linear : {&forward_[static_cast<std::size_t>(m)], &backward_[static_cast<std::size_t>(m)]}) {
      if (linear->bytes() > kKeepBytes) *linear = {};
    }
  }
  model_.release_layer(index_);
}

template <typename T>
void LayerBackward<T>::norm_rows(const T* x, std::size_t count, Scratch& s) const {
  ops::kernels().rows<T>().rms_norm(x, weights().attention_norm.data(), config_.norm_epsilon, count, config_.width,
                                    s.normed.data());
}

// Rows [first, first + count) of the queries' x.
template <typename T>
const T* LayerBackward<T>::query_rows(const LayerBackwardInput<T>& input, std::size_t first, std::size_t count,
                                      Scratch& s) const {
  const std::size_t d = config_.width;
  if (input.queries.empty()) return input.x + first * d;
  for (std::size_t r = 0; r < count; ++r) {
    std::memcpy(static_cast<void*>(s.gathered.data() + r * d), input.x + input.queries[first + r] * d, d * sizeof(T));
  }
  return s.gathered.data();
}

// The group's queries or keys of `count` normed rows: product, norm, rotation.
template <typename T>
void LayerBackward<T>::place_heads(Matrix m, std::span<const std::int64_t> positions, std::size_t count, T* out,
                                   Scratch& s) {
  const std::size_t width = forward(m).out();
  const std::vector<float>& norm = weights()[m == Matrix::kQuery ? Norm::kQuery : Norm::kKey];
  forward(m).multiply(s.normed.data(), s.unused, count, s.heads.data());
  if (!norm.empty()) {
    ops::kernels().f32_rows.rms_norm(s.heads.data(), norm.data(), config_.norm_epsilon,
                                     count * width / config_.head_width, config_.head_width, s.heads.data());
  }
  rotation_.rotate(index_, positions, s.heads.data(), width, s.rotation);
  ops::kernels().rows<T>().from_float(s.heads.data(), out, count * width);
}

template <typename T>
void LayerBackward<T>::project_keys(const LayerBackwardInput<T>& input) {
  const HeadGroup& group = heads_.group;
  const std::size_t width = group.kv_count * config_.head_width;
  if (input.tape.k == nullptr || !weights().key_norm.empty()) {
    pack_heads(Matrix::kKey, group.kv_first, group.kv_count);
  }
  if (input.tape.k != nullptr) return;
  pack_heads(Matrix::kValue, group.kv_first, group.kv_count);
  heads_.k_own.reserve(positions_.size() * width);
  heads_.v_own.reserve(positions_.size() * width);
  for_blocks(positions_.size(), [&](std::size_t first, std::size_t count, Scratch& s) {
    norm_rows(input.x + first * config_.width, count, s);
    forward(Matrix::kValue).multiply(s.normed.data(), s.unused, count, heads_.v_own.data() + first * width);
    place_heads(Matrix::kKey, std::span(positions_).subspan(first, count), count, heads_.k_own.data() + first * width,
                s);
  });
}

template <typename T>
void LayerBackward<T>::project_queries(const LayerBackwardInput<T>& input) {
  const HeadGroup& group = heads_.group;
  const std::size_t width = group.count * config_.head_width;
  if (input.tape.q == nullptr || !weights().query_norm.empty()) pack_heads(Matrix::kQuery, group.first, group.count);
  if (input.tape.q != nullptr) return;
  heads_.q_own.reserve(queries() * width);
  for_blocks(queries(), [&](std::size_t first, std::size_t count, Scratch& s) {
    norm_rows(query_rows(input, first, count, s), count, s);
    place_heads(Matrix::kQuery, std::span(query_positions_).subspan(first, count), count,
                heads_.q_own.data() + first * width, s);
  });
}

// Makes `group` the one in hand, with its queries, keys and values.
template <typename T>
void LayerBackward<T>::select(const HeadGroup& group, const LayerBackwardInput<T>& input) {
  if (heads_ready_) return;
  heads_.group = group;
  heads_.shape = group_shape(shape_, group);
  if (group.begins_keys) project_keys(input);
  project_queries(input);
  heads_ready_ = groups_.size() == 1;
  const std::size_t c = config_.head_width;
  const auto rows = [&](const T* tape, std::size_t first, std::size_t all, const AlignedBuffer<T>& own,
                        std::size_t count) {
    return tape != nullptr ? ops::Rows<const T>{tape + first * c, stride(all * c)}
                           : ops::Rows<const T>{own.data(), stride(count * c)};
  };
  heads_.q = rows(input.tape.q, group.first, config_.heads, heads_.q_own, group.count);
  heads_.k = rows(input.tape.k, group.kv_first, config_.kv_heads, heads_.k_own, group.kv_count);
  heads_.v = rows(input.tape.v, group.kv_first, config_.kv_heads, heads_.v_own, group.kv_count);
}

// Attention's output and log-sum-exp: the tape's, or computed again.
template <typename T>
void LayerBackward<T>::attend(const LayerBackwardInput<T>& input) {
  attention_output_ = input.tape.attention_output;
  log_sum_exp_ = input.tape.log_sum_exp;
  if (attention_output_ != nullptr) return;
  TOME_CHECK(input.tape.q == nullptr && input.tape.k == nullptr);
  const std::size_t heads_width = config_.heads * config_.head_width;
  attended_.reserve(queries() * heads_width);
  sums_.reserve(queries() * config_.heads);
  attention_output_ = attended_.data();
  log_sum_exp_ = sums_.data();
  std::optional<KvSequence<T>> kv;
  AlignedBuffer<T> out;
  AlignedBuffer<float> sums;
  for (const HeadGroup& group : groups_) {
    select(group, input);
    if (group.begins_keys) {
      kv.emplace(heads_.shape);
      kv->append(threads_, heads_.k_own.data(), heads_.v_own.data(), positions_.size());
    }
    const std::size_t width = group.count * config_.head_width;
    out.reserve(queries() * width);
    sums.reserve(queries() * group.count);
    ops::attention_forward<T>(threads_, heads_.shape, heads_.q_own.data(), query_visible_, kv->blocks(), out.data(),
                              sums.data());
    for_blocks(queries(), [&](std::size_t first, std::size_t count, Scratch&) {
      for (std::size_t row = first; row < first + count; ++row) {
        std::copy_n(out.data() + row * width, width,
                    attention_output_ + row * heads_width + group.first * config_.head_width);
        std::copy_n(sums.data() + row * group.count, group.count, log_sum_exp_ + row * config_.heads + group.first);
      }
    });
  }
}

// Through one linear layer: dx (+)= dy W with its LoRA term, and the gradients of A and B.
template <typename T>
template <typename Y>
void LayerBackward<T>::linear_backward(Matrix m, const T* x, const T* dy, std::size_t count, bool accumulate, Y* dx,
                                       Scratch& s) {
  const Linear<T>& backward = backward_[static_cast<std::size_t>(m)];
  const auto& kernels = ops::kernels().rows<T>();
  backward.multiply_low(dy, count, s.low_backward);
  if (gradients_.has_lora(m)) {
    const std::size_t rank = backward.rank();
    forward(m).multiply_low(x, count, s.low_forward);
    kernels.outer_product(x, backward.out(), s.low_backward.wide.data(), rank, count, backward.out(),
                          gradients_.a(s.stripe, m));
    kernels.outer_product(dy, backward.in(), s.low_forward.wide.data(), rank, count, backward.in(),
                          gradients_.b_transposed(s.stripe, m));
  }
  backward.multiply_exact(dy, s.low_backward, count, accumulate, dx);
}

// The gradient of a branch before it joined the residual stream, in T: d itself, or d through the norm after the
// branch.
template <typename T>
const T* LayerBackward<T>::branch_gradient(const T* d, const float* branch, Norm norm, std::size_t count, Scratch& s) {
  const std::vector<float>& weight = weights()[norm];
  if (weight.empty()) return d;
  const auto& kernels = ops::kernels().rows<T>();
  kernels.to_float(d, s.wide.data(), count * config_.width);
  ops::kernels().f32_rows.rms_norm_backward(branch, weight.data(), config_.norm_epsilon, s.wide.data(), count,
                                            config_.width, s.wide.data(), gradients_.norm(s.stripe, norm));
  kernels.from_float(s.wide.data(), s.narrow.data(), count * config_.width);
  return s.narrow.data();
}

// Leaves of rows [first, first + count): branch (attention's, before its norm, where there is one), hidden (the
// residual stream between the branches), normed, gate, up.
template <typename T>
void LayerBackward<T>::feed_forward_again(const LayerBackwardInput<T>& input, const T* attended, std::size_t first,
                                          std::size_t count, Scratch& s) {
  const auto& kernels = ops::kernels().rows<T>();
  const std::size_t width = config_.width;
  const std::size_t numbers = count * config_.feed_forward;
  const LayerTape<T>& tape = input.tape;
  if (tape.hidden == nullptr || has_branch_norms()) {
    forward(Matrix::kOutput).multiply(attended, s.unused, count, s.branch.data());
  }
  if (tape.hidden != nullptr) {
    std::copy_n(tape.hidden + first * width, count * width, s.hidden.data());
    std::copy_n(tape.gate + first * config_.feed_forward, numbers, s.gate.data());
    std::copy_n(tape.up + first * config_.feed_forward, numbers, s.up.data());
  } else {
    const float* joined = s.branch.data();
    if (has_branch_norms()) {
      ops::kernels().f32_rows.rms_norm(s.branch.data(), weights().post_attention_norm.data(), config_.norm_epsilon,
                                       count, width, s.wide.data());
      joined = s.wide.data();
    }
    std::copy_n(query_rows(input, first, count, s), count * width, s.hidden.data());
    kernels.add_f32(s.hidden.data(), joined, count * width);
  }
  kernels.rms_norm(s.hidden.data(), weights().feed_forward_norm.data(), config_.norm_epsilon, count, width,
                   s.normed.data());
  if (tape.hidden != nullptr) return;
  forward(Matrix::kGate).multiply(s.normed.data(), s.unused, count, s.gate.data());
  forward(Matrix::kUp).multiply(s.normed.data(), s.unused, count, s.up.data());
}

// Everything after attention: d becomes the gradient of the residual stream between the two branches, attention's
// output its gradient, delta their product.
template <typename T>
void LayerBackward<T>::after_attention(const LayerBackwardInput<T>& input, T* d, std::size_t first, std::size_t count,
                                       Scratch& s) {
  const auto& kernels = ops::kernels().rows<T>();
  const std::size_t width = config_.width;
  const std::size_t heads_width = config_.heads * config_.head_width;
  const std::size_t numbers = count * config_.feed_forward;
  const bool gelu = config_.family == Family::kGemma3;
  T* attended = attention_output_ + first * heads_width;
  d += first * width;
  feed_forward_again(input, attended, first, count, s);
  std::copy_n(s.gate.data(), numbers, s.product.data());
  (gelu ? kernels.gelu_product : kernels.silu_product)(s.product.data(), s.up.data(), numbers);

  if (has_branch_norms()) forward(Matrix::kDown).multiply(s.product.data(), s.unused, count, s.heads.data());
  const T* d_branch = branch_gradient(d, s.heads.data(), Norm::kPostFeedForward, count, s);
  linear_backward(Matrix::kDown, s.product.data(), d_branch, count, false, s.d_product.data(), s);
  (gelu ? kernels.gelu_product_backward : kernels.silu_product_backward)(s.gate.data(), s.up.data(), s.d_product.data(),
                                                                         numbers);
  linear_backward(Matrix::kGate, s.normed.data(), s.gate.data(), count, false, s.wide.data(), s);
  linear_backward(Matrix::kUp, s.normed.data(), s.up.data(), count, true, s.wide.data(), s);
  kernels.rms_norm_backward(s.hidden.data(), weights().feed_forward_norm.data(), config_.norm_epsilon, s.wide.data(),
                            count, width, s.wide.data(), gradients_.norm(s.stripe, Norm::kFeedForward));
  kernels.add_f32(d, s.wide.data(), count * width);

  const T* d_output = branch_gradient(d, s.branch.data(), Norm::kPostAttention, count, s);
  linear_backward(Matrix::kOutput, attended, d_output, count, false, s.heads.data(), s);
  for (std::size_t r = 0; r < count * config_.heads; ++r) {
    delta_[first * config_.heads + r] =
        kernels.dot(attended + r * config_.head_width, s.heads.data() + r * config_.head_width, config_.head_width);
  }
  kernels.from_float(s.heads.data(), attended, count * heads_width);
}

// From the gradient of the group's placed queries or keys, [count][width], to that of the product's, in place.
template <typename T>
void LayerBackward<T>::heads_backward(Matrix m, std::span<const std::int64_t> positions, std::size_t count,
                                      std::size_t width, float* gradient, Scratch& s) {
  const Norm norm_of_heads = m == Matrix::kQuery ? Norm::kQuery : Norm::kKey;
  const std::vector<float>& norm = weights()[norm_of_heads];
  rotation_.rotate(index_, positions, gradient, width, s.rotation, HeadRotation::Direction::kBackward);
  if (norm.empty()) return;
  forward(m).multiply(s.normed.data(), s.unused, count, s.heads.data());
  ops::kernels().f32_rows.rms_norm_backward(s.heads.data(), norm.data(), config_.norm_epsilon, gradient,
                                            count * width / config_.head_width, config_.head_width, gradient,
                                            gradients_.norm(s.stripe, norm_of_heads));
}

// Of the group in hand, to the place of its attention output's gradient.
template <typename T>
void LayerBackward<T>::keep_query_gradients(const LayerBackwardInput<T>& input,
                                            const ops::AttentionBackward<T>& attention) {
  const std::size_t width = heads_.group.count * config_.head_width;
  const std::size_t all = config_.heads * config_.head_width;
  for_blocks(queries(), [&](std::size_t first, std::size_t count, Scratch& s) {
    attention.queries(first, count, {s.head_gradient.data(), stride(width)});
    if (!weights().query_norm.empty()) norm_rows(query_rows(input, first, count, s), count, s);
    heads_backward(Matrix::kQuery, std::span(query_positions_).subspan(first, count), count, width,
                   s.head_gradient.data(), s);
    T* to = attention_output_ + first * all + heads_.group.first * config_.head_width;
    for (std::size_t r = 0; r < count; ++r) {
      ops::kernels().rows<T>().from_float(s.head_gradient.data() + r * width, to + r * all, width);
    }
  });
}

template <typename T>
void LayerBackward<T>::keep_key_gradients(const LayerBackwardInput<T>& input) {
  const auto& kernels = ops::kernels().rows<T>();
  const std::size_t width = heads_.group.kv_count * config_.head_width;
  const std::size_t all = config_.kv_heads * config_.head_width;
  const std::size_t column = heads_.group.kv_first * config_.head_width;
  for_blocks(positions_.size(), [&](std::size_t first, std::size_t count, Scratch& s) {
    float* dk = heads_.dk.data() + first * width;
    const float* dv = heads_.dv.data() + first * width;
    if (!weights().key_norm.empty()) norm_rows(input.x + first * config_.width, count, s);
    heads_backward(Matrix::kKey, std::span(positions_).subspan(first, count), count, width, dk, s);
    for (std::size_t r = 0; r < count; ++r) {
      kernels.from_float(dk + r * width, dk_.data() + (first + r) * all + column, width);
      kernels.from_float(dv + r * width, dv_.data() + (first + r) * all + column, width);
    }
  });
}

template <typename T>
void LayerBackward<T>::attention_backward(const LayerBackwardInput<T>& input) {
  const std::size_t c = config_.head_width;
  dk_.reserve(positions_.size() * config_.kv_heads * c);
  dv_.reserve(positions_.size() * config_.kv_heads * c);
  for (const HeadGroup& group : groups_) {
    select(group, input);
    const std::size_t width = group.kv_count * c;
    heads_.dk.reserve(positions_.size() * width);
    heads_.dv.reserve(positions_.size() * width);
    ops::AttentionGradientInput<T> in;
    in.q = heads_.q;
    in.k = heads_.k;
    in.v = heads_.v;
    in.d_out = {attention_output_ + group.first * c, stride(config_.heads * c)};
    in.log_sum_exp = {log_sum_exp_ + group.first, stride(config_.heads)};
    in.delta = {delta_.data() + group.first, stride(config_.heads)};
    in.visible = query_visible_;
    in.keys = positions_.size();
    attention_.run(threads_, heads_.shape, in, !group.begins_keys, {heads_.dk.data(), stride(width)},
                   {heads_.dv.data(), stride(width)});
    keep_query_gradients(input, attention_);
    if (group.ends_keys) keep_key_gradients(input);
  }
  let_go(heads_.q_own);
  let_go(heads_.k_own);
  let_go(heads_.v_own);
  let_go(heads_.dk);
  let_go(heads_.dv);
  if (attention_.memory() > kKeepBytes) attention_ = {};
}

// Adds the queries' part to the gradient of normed rows [first, first + count), which lie in s.wide and s.normed.
template <typename T>
void LayerBackward<T>::query_gradients(const LayerBackwardInput<T>& input, std::size_t first, std::size_t count,
                                       Scratch& s) {
  const std::size_t width = config_.width;
  const std::size_t heads_width = config_.heads * config_.head_width;
  if (input.queries.empty()) {
    linear_backward(Matrix::kQuery, s.normed.data(), attention_output_ + first * heads_width, count, true,
                    s.wide.data(), s);
    return;
  }
  const auto& rows = input.queries;
  const auto begin = std::lower_bound(rows.begin(), rows.end(), first);
  const auto end = std::lower_bound(begin, rows.end(), first + count);
  if (begin == end) return;
  const auto here = static_cast<std::size_t>(end - begin);
  for (std::size_t r = 0; r < here; ++r) {
    std::copy_n(s.normed.data() + (begin[static_cast<std::ptrdiff_t>(r)] - first) * width, width,
                s.gathered.data() + r * width);
  }
  linear_backward(Matrix::kQuery, s.gathered.data(),
                  attention_output_ + static_cast<std::size_t>(begin - rows.begin()) * heads_width, here, false,
                  s.branch.data(), s);
  for (std::size_t r = 0; r < here; ++r) {
    ops::kernels().f32_rows.add(s.wide.data() + (begin[static_cast<std::ptrdiff_t>(r)] - first) * width,
                                s.branch.data() + r * width, width);
  }
}

// Everything before attention: from dq, dk and dv to dx.
template <typename T>
void LayerBackward<T>::before_attention(const LayerBackwardInput<T>& input, const T* d, T* dx) {
  const auto& kernels = ops::kernels().rows<T>();
  const std::size_t width = config_.width;
  const std::size_t kv_width = config_.kv_heads * config_.head_width;
  if (!input.queries.empty()) {
    std::fill_n(dx, positions_.size() * width, T(0.0f));
    for (std::size_t i = 0; i < input.queries.size(); ++i) {
      std::copy_n(d + i * width, width, dx + input.queries[i] * width);
    }
  } else if (dx != d) {
    std::copy_n(d, positions_.size() * width, dx);
  }
  for_blocks(positions_.size(), [&](std::size_t first, std::size_t count, Scratch& s) {
    const T* x = input.x + first * width;
    norm_rows(x, count, s);
    linear_backward(Matrix::kValue, s.normed.data(), dv_.data() + first * kv_width, count, false, s.wide.data(), s);
    linear_backward(Matrix::kKey, s.normed.data(), dk_.data() + first * kv_width, count, true, s.wide.data(), s);
    query_gradients(input, first, count, s);
    kernels.rms_norm_backward(x, weights().attention_norm.data(), config_.norm_epsilon, s.wide.data(), count, width,
                              s.wide.data(), gradients_.norm(s.stripe, Norm::kAttention));
    kernels.add_f32(dx + first * width, s.wide.data(), count * width);
  });
}

template <typename T>
void LayerBackward<T>::run(std::size_t index, const LayerAdapter* adapter, const LayerBackwardInput<T>& input, T* d,
                           T* dx, const LayerGradient& gradient) {
  begin(index, adapter, input);
  gradients_.start(gradient, adapter);
  attend(input);
  const bool kept = input.tape.hidden != nullptr;
  for (const Matrix m : {Matrix::kOutput, Matrix::kGate, Matrix::kUp, Matrix::kDown}) {
    const bool ends_branch = m == Matrix::kOutput || m == Matrix::kDown;
    const bool again = ends_branch && has_branch_norms() ? true : m != Matrix::kDown && !kept;
    again ? pack(m) : pack_first_factor(m);
    pack_transposed(m);
  }
  delta_.reserve(queries() * config_.heads);
  for_blocks(queries(),
             [&](std::size_t first, std::size_t count, Scratch& s) { after_attention(input, d, first, count, s); });
  release({Matrix::kOutput, Matrix::kGate, Matrix::kUp, Matrix::kDown});
  attention_backward(input);
  for (const Matrix m : {Matrix::kQuery, Matrix::kKey, Matrix::kValue}) {
    pack_first_factor(m);
    pack_transposed(m);
  }
  before_attention(input, d, dx);
  release({Matrix::kQuery, Matrix::kKey, Matrix::kValue});
  let_go(dk_);
  let_go(dv_);
  gradients_.add_to(gradient);
}

template class LayerBackward<bf16>;
template class LayerBackward<float>;

}  // namespace tome
