#include "model/layer_attention_backward.h"

#include <optional>

#include "base/error.h"
#include "base/resources.h"
#include "model/kv_sequence.h"
#include "ops/kernels/kernels.h"

namespace tome {
namespace {

std::ptrdiff_t stride(std::size_t width) { return static_cast<std::ptrdiff_t>(width); }

}  // namespace

template <typename T>
LayerAttentionBackward<T>::LayerAttentionBackward(BackwardRows<T>& rows, std::uint64_t head_group_bytes)
    : rows_(rows), shape_(attention_shape(rows.config)), head_group_bytes_(head_group_bytes), rotation_(rows.config) {}

// Heads [first_head, first_head + heads) of q, k or v.
template <typename T>
void LayerAttentionBackward<T>::pack_heads(Matrix m, std::size_t first_head, std::size_t heads) {
  const std::size_t first = first_head * rows_.config.head_width;
  LoraPair pair = rows_.lora(m);
  if (pair.rank > 0) pair.b += first * pair.rank;
  forward_[static_cast<std::size_t>(m)].pack(
      rows_.threads, rows_.weights()[m].row_slice(first, heads * rows_.config.head_width), Precision::kExact, pair);
}

template <typename T>
std::span<const ops::KeyRange> LayerAttentionBackward<T>::seen(Matrix m, std::size_t first, std::size_t count) const {
  return (m == Matrix::kQuery ? std::span<const ops::KeyRange>(rows_.query_visible) : rows_.input.visible)
      .subspan(first, count);
}

template <typename T>
std::span<const std::int64_t> LayerAttentionBackward<T>::positions(Matrix m, std::size_t first,
                                                                   std::size_t count) const {
  return std::span(m == Matrix::kQuery ? rows_.query_positions : rows_.positions).subspan(first, count);
}

// The group's queries or keys of rows [first, first + count), which are normed: product, norm, rotation.
template <typename T>
void LayerAttentionBackward<T>::place_heads(Matrix m, std::size_t first, std::size_t count, T* out,
                                            BackwardScratch<T>& s) {
  const std::size_t width = forward(m).out();
  const std::vector<float>& norm = rows_.weights()[m == Matrix::kQuery ? Norm::kQuery : Norm::kKey];
  forward(m).multiply(s.normed.data(), s.unused, count, s.heads.data(),
                      rows_.low_input(m, seen(m, first, count), s.normed.data(), s));
  if (!norm.empty()) {
    ops::kernels().f32_rows.rms_norm(s.heads.data(), norm.data(), rows_.config.norm_epsilon,
                                     count * width / rows_.config.head_width, rows_.config.head_width, s.heads.data());
  }
  rotation_.rotate(rows_.index, positions(m, first, count), s.heads.data(), width, s.rotation);
  ops::kernels().rows<T>().from_float(s.heads.data(), out, count * width);
}

template <typename T>
void LayerAttentionBackward<T>::project_keys() {
  const HeadGroup& group = heads_.group;
  const std::size_t width = group.kv_count * rows_.config.head_width;
  if (rows_.input.tape.k == nullptr || !rows_.weights().key_norm.empty()) {
    pack_heads(Matrix::kKey, group.kv_first, group.kv_count);
  }
  if (rows_.input.tape.k != nullptr) return;
  pack_heads(Matrix::kValue, group.kv_first, group.kv_count);
  heads_.k_own.reserve(rows_.positions.size() * width);
  heads_.v_own.reserve(rows_.positions.size() * width);
  rows_.for_blocks(rows_.positions.size(), [&](std::size_t first, std::size_t count, BackwardScratch<T>& s) {
    rows_.norm(rows_.input.x + first * rows_.config.width, count, s);
    forward(Matrix::kValue)
        .multiply(s.normed.data(), s.unused, count, heads_.v_own.data() + first * width,
                  rows_.low_input(Matrix::kValue, seen(Matrix::kValue, first, count), s.normed.data(), s));
    place_heads(Matrix::kKey, first, count, heads_.k_own.data() + first * width, s);
  });
}

template <typename T>
void LayerAttentionBackward<T>::project_queries() {
  const HeadGroup& group = heads_.group;
  const std::size_t width = group.count * rows_.config.head_width;
  if (rows_.input.tape.q == nullptr || !rows_.weights().query_norm.empty())
    pack_heads(Matrix::kQuery, group.first, group.count);
  if (rows_.input.tape.q != nullptr) return;
  heads_.q_own.reserve(rows_.queries() * width);
  rows_.for_blocks(rows_.queries(), [&](std::size_t first, std::size_t count, BackwardScratch<T>& s) {
    rows_.norm(rows_.query_x(first, count, s), count, s);
    place_heads(Matrix::kQuery, first, count, heads_.q_own.data() + first * width, s);
  });
}

// Makes `group` the one in hand, with its queries, keys and values.
template <typename T>
void LayerAttentionBackward<T>::select(const HeadGroup& group) {
  if (heads_ready_) return;
  heads_.group = group;
  heads_.shape = group_shape(shape_, group);
  if (group.begins_keys) project_keys();
  project_queries();
  heads_ready_ = groups_.size() == 1;
  const std::size_t c = rows_.config.head_width;
  const auto rows = [&](const T* tape, std::size_t first, std::size_t all, const AlignedBuffer<T>& own,
                        std::size_t count) {
    return tape != nullptr ? ops::Rows<const T>{tape + first * c, stride(all * c)}
                           : ops::Rows<const T>{own.data(), stride(count * c)};
  };
  heads_.q = rows(rows_.input.tape.q, group.first, rows_.config.heads, heads_.q_own, group.count);
  heads_.k = rows(rows_.input.tape.k, group.kv_first, rows_.config.kv_heads, heads_.k_own, group.kv_count);
  heads_.v = rows(rows_.input.tape.v, group.kv_first, rows_.config.kv_heads, heads_.v_own, group.kv_count);
}

template <typename T>
void LayerAttentionBackward<T>::attend() {
  groups_ = head_groups<T>(shape_, rows_.positions.size(), head_group_bytes_);
  heads_ready_ = false;
  delta_.reserve(rows_.queries() * rows_.config.heads);
  output_ = rows_.input.tape.attention_output;
  log_sum_exp_ = rows_.input.tape.log_sum_exp;
  if (output_ != nullptr) return;
  TOME_CHECK(rows_.input.tape.q == nullptr && rows_.input.tape.k == nullptr);
  const std::size_t heads_width = rows_.config.heads * rows_.config.head_width;
  attended_.reserve(rows_.queries() * heads_width);
  sums_.reserve(rows_.queries() * rows_.config.heads);
  output_ = attended_.data();
  log_sum_exp_ = sums_.data();
  std::optional<KvSequence<T>> kv;
  AlignedBuffer<T> out;
  AlignedBuffer<float> sums;
  for (const HeadGroup& group : groups_) {
    select(group);
    if (group.begins_keys) {
      kv.emplace(heads_.shape);
      kv->append(rows_.threads, heads_.k_own.data(), heads_.v_own.data(), rows_.positions.size());
    }
    const std::size_t width = group.count * rows_.config.head_width;
    out.reserve(rows_.queries() * width);
    sums.reserve(rows_.queries() * group.count);
    ops::attention_forward<T>(rows_.threads, heads_.shape, heads_.q_own.data(), rows_.query_visible, kv->blocks(),
                              out.data(), sums.data());
    rows_.for_blocks(rows_.queries(), [&](std::size_t first, std::size_t count, BackwardScratch<T>&) {
      for (std::size_t row = first; row < first + count; ++row) {
        std::copy_n(out.data() + row * width, width,
                    output_ + row * heads_width + group.first * rows_.config.head_width);
        std::copy_n(sums.data() + row * group.count, group.count,
                    log_sum_exp_ + row * rows_.config.heads + group.first);
      }
    });
  }
}

// From the gradient of the group's placed queries or keys, [count][width], to that of the product's, in place.
template <typename T>
void LayerAttentionBackward<T>::heads_backward(Matrix m, std::size_t first, std::size_t count, std::size_t width,
                                               float* gradient, BackwardScratch<T>& s) {
  const Norm norm_of_heads = m == Matrix::kQuery ? Norm::kQuery : Norm::kKey;
  const std::vector<float>& norm = rows_.weights()[norm_of_heads];
  rotation_.rotate(rows_.index, positions(m, first, count), gradient, width, s.rotation,
                   HeadRotation::Direction::kBackward);
  if (norm.empty()) return;
  forward(m).multiply(s.normed.data(), s.unused, count, s.heads.data(),
                      rows_.low_input(m, seen(m, first, count), s.normed.data(), s));
  ops::kernels().f32_rows.rms_norm_backward(s.heads.data(), norm.data(), rows_.config.norm_epsilon, gradient,
                                            count * width / rows_.config.head_width, rows_.config.head_width, gradient,
                                            rows_.gradients.norm(s.stripe, norm_of_heads));
}

// Of the group in hand, to the place of its attention output's gradient.
template <typename T>
void LayerAttentionBackward<T>::keep_query_gradients() {
  const std::size_t width = heads_.group.count * rows_.config.head_width;
  const std::size_t all = rows_.config.heads * rows_.config.head_width;
  rows_.for_blocks(rows_.queries(), [&](std::size_t first, std::size_t count, BackwardScratch<T>& s) {
    attention_.queries(first, count, {s.head_gradient.data(), stride(width)});
    if (!rows_.weights().query_norm.empty()) rows_.norm(rows_.query_x(first, count, s), count, s);
    heads_backward(Matrix::kQuery, first, count, width, s.head_gradient.data(), s);
    T* to = output_ + first * all + heads_.group.first * rows_.config.head_width;
    for (std::size_t r = 0; r < count; ++r) {
      ops::kernels().rows<T>().from_float(s.head_gradient.data() + r * width, to + r * all, width);
    }
  });
}

template <typename T>
void LayerAttentionBackward<T>::keep_key_gradients() {
  const auto& kernels = ops::kernels().rows<T>();
  const std::size_t width = heads_.group.kv_count * rows_.config.head_width;
  const std::size_t all = rows_.config.kv_heads * rows_.config.head_width;
  const std::size_t column = heads_.group.kv_first * rows_.config.head_width;
  rows_.for_blocks(rows_.positions.size(), [&](std::size_t first, std::size_t count, BackwardScratch<T>& s) {
    float* dk = heads_.dk.data() + first * width;
    const float* dv = heads_.dv.data() + first * width;
    if (!rows_.weights().key_norm.empty()) rows_.norm(rows_.input.x + first * rows_.config.width, count, s);
    heads_backward(Matrix::kKey, first, count, width, dk, s);
    for (std::size_t r = 0; r < count; ++r) {
      kernels.from_float(dk + r * width, dk_.data() + (first + r) * all + column, width);
      kernels.from_float(dv + r * width, dv_.data() + (first + r) * all + column, width);
    }
  });
}

template <typename T>
void LayerAttentionBackward<T>::run() {
  const std::size_t c = rows_.config.head_width;
  dk_.reserve(rows_.positions.size() * rows_.config.kv_heads * c);
  dv_.reserve(rows_.positions.size() * rows_.config.kv_heads * c);
  for (const HeadGroup& group : groups_) {
    select(group);
    const std::size_t width = group.kv_count * c;
    heads_.dk.reserve(rows_.positions.size() * width);
    heads_.dv.reserve(rows_.positions.size() * width);
    ops::AttentionGradientInput<T> in;
    in.q = heads_.q;
    in.k = heads_.k;
    in.v = heads_.v;
    in.d_out = {output_ + group.first * c, stride(rows_.config.heads * c)};
    in.log_sum_exp = {log_sum_exp_ + group.first, stride(rows_.config.heads)};
    in.delta = {delta_.data() + group.first, stride(rows_.config.heads)};
    in.visible = rows_.query_visible;
    in.keys = rows_.positions.size();
    attention_.run(rows_.threads, heads_.shape, in, !group.begins_keys, {heads_.dk.data(), stride(width)},
                   {heads_.dv.data(), stride(width)});
    sample_private_peak();
    keep_query_gradients();
    if (group.ends_keys) keep_key_gradients();
  }
  let_go(heads_.q_own);
  let_go(heads_.k_own);
  let_go(heads_.v_own);
  let_go(heads_.dk);
  let_go(heads_.dv);
  if (attention_.memory() > kKeptMemory) attention_ = {};
}

template <typename T>
void LayerAttentionBackward<T>::release() {
  let_go(dk_);
  let_go(dv_);
  for (Linear<T>& linear : forward_) {
    if (linear.bytes() > kKeptMemory) linear = {};
  }
}

template class LayerAttentionBackward<bf16>;
template class LayerAttentionBackward<float>;

}  // namespace tome
