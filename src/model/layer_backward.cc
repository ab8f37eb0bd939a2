#include "model/layer_backward.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "ops/kernels/kernels.h"

namespace tome {
namespace {

std::array<std::size_t, kNorms.size()> norm_widths(const ModelConfig& c) {
  return {c.width, c.width, c.head_width, c.head_width, c.width, c.width};
}

}  // namespace

template <typename T>
LayerBackward<T>::LayerBackward(const Model& model, Threads& threads, std::size_t tokens)
    : model_(model),
      config_(model.config()),
      threads_(threads),
      shape_(attention_shape(config_)),
      rotation_(config_),
      kv_(shape_),
      scratch_(static_cast<std::size_t>(threads.count())) {
  const std::size_t q = config_.heads * config_.head_width;
  const std::size_t k = config_.kv_heads * config_.head_width;
  q_ = AlignedBuffer<T>(tokens * q);
  k_ = AlignedBuffer<T>(tokens * k);
  v_ = AlignedBuffer<T>(tokens * k);
  dq_ = AlignedBuffer<float>(tokens * q);
  dk_ = AlignedBuffer<float>(tokens * k);
  dv_ = AlignedBuffer<float>(tokens * k);
  delta_ = AlignedBuffer<float>(tokens * config_.heads);
  d_norm_ = AlignedBuffer<float>(tokens * config_.width);
  const std::size_t block = std::min(kRowBlock, tokens);
  const std::size_t widest = std::max({config_.width, q, k});
  for (Scratch& s : scratch_) {
    for (auto* rows : {&s.normed, &s.hidden}) *rows = AlignedBuffer<T>(block * config_.width);
    s.narrow = AlignedBuffer<T>(block * widest);
    for (auto* rows : {&s.gate, &s.up, &s.product}) *rows = AlignedBuffer<T>(block * config_.feed_forward);
    for (auto* rows : {&s.wide, &s.branch, &s.heads}) *rows = AlignedBuffer<float>(block * widest);
  }
}

template <typename T>
void LayerBackward<T>::pack(std::size_t index, const LayerAdapter* adapter) {
  index_ = index;
  for (const Matrix m : kMatrices) {
    const auto i = static_cast<std::size_t>(m);
    const LoraPair lora = adapter != nullptr ? (*adapter)[i] : LoraPair{};
    forward_[i].pack(threads_, weights()[m], Precision::kExact, lora);
    backward_[i].pack_transposed(threads_, weights()[m], lora);
    lora_scale_[i] = lora.scale;
  }
  model_.release_layer(index);
}

// Where each trained tensor's gradient lies in a thread's own sums.
template <typename T>
void LayerBackward<T>::place_gradients(const LayerGradient& gradient) {
  places_ = {};
  for (std::size_t i = 0; i < kMatrices.size(); ++i) {
    places_.lora[i] = forward_[i].rank() > 0 && gradient.lora[i].a != nullptr;
    if (!places_.lora[i]) continue;
    places_.a[i] = places_.size;
    places_.b[i] = places_.a[i] + forward_[i].rank() * forward_[i].in();
    places_.size = places_.b[i] + forward_[i].rank() * forward_[i].out();
  }
  const auto& norms = gradient.norms;
  const auto widths = norm_widths(config_);
  for (std::size_t n = 0; n < norms.size(); ++n) {
    places_.norm_trained[n] = norms[n] != nullptr;
    if (!places_.norm_trained[n]) continue;
    places_.norms[n] = places_.size;
    places_.size += widths[n];
  }
  for (Scratch& s : scratch_) s.gradient.assign(places_.size, 0.0f);
}

// Adds the threads' sums up, always in the same order.
template <typename T>
void LayerBackward<T>::collect(const LayerGradient& gradient) {
  for (const Scratch& s : scratch_) {
    for (std::size_t i = 0; i < kMatrices.size(); ++i) {
      if (!places_.lora[i]) continue;
      const std::size_t rank = forward_[i].rank();
      const std::size_t out = forward_[i].out();
      const float* a = s.gradient.data() + places_.a[i];
      const float* b = s.gradient.data() + places_.b[i];
      for (std::size_t n = 0; n < rank * forward_[i].in(); ++n) gradient.lora[i].a[n] += a[n];
      for (std::size_t o = 0; o < out; ++o) {
        for (std::size_t k = 0; k < rank; ++k) gradient.lora[i].b[o * rank + k] += lora_scale_[i] * b[k * out + o];
      }
    }
    const auto& norms = gradient.norms;
    const auto widths = norm_widths(config_);
    for (std::size_t n = 0; n < norms.size(); ++n) {
      if (!places_.norm_trained[n]) continue;
      for (std::size_t c = 0; c < widths[n]; ++c) norms[n][c] += s.gradient[places_.norms[n] + c];
    }
  }
}

template <typename T>
float* LayerBackward<T>::norm_sums(Norm norm, Scratch& s) const {
  const auto n = static_cast<std::size_t>(norm);
  return places_.norm_trained[n] ? s.gradient.data() + places_.norms[n] : nullptr;
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

// Rows [first, first + count) of the queries' x.
template <typename T>
const T* LayerBackward<T>::query_rows(const LayerBackwardInput<T>& input, std::size_t first, std::size_t count,
                                      Scratch& s) const {
  const std::size_t d = config_.width;
  if (input.queries.empty()) return input.x + first * d;
  s.gathered.reserve(count * d);
  for (std::size_t r = 0; r < count; ++r) {
    std::memcpy(static_cast<void*>(s.gathered.data() + r * d), input.x + input.queries[first + r] * d, d * sizeof(T));
  }
  return s.gathered.data();
}

// Queries or keys of rows [first, first + count): product, norm, rotation.
template <typename T>
void LayerBackward<T>::place_heads(Matrix m, const std::vector<std::int64_t>& positions, std::size_t first,
                                   std::size_t count, const std::vector<float>& norm, T* out, Scratch& s) {
  const std::size_t width = forward(m).out();
  forward(m).multiply(s.normed.data(), s.unused, count, s.heads.data());
  if (!norm.empty()) {
    ops::kernels().f32_rows.rms_norm(s.heads.data(), norm.data(), config_.norm_epsilon,
                                     count * width / config_.head_width, config_.head_width, s.heads.data());
  }
  rotation_.rotate(index_, std::span(positions).subspan(first, count), s.heads.data(), width, s.rotation);
  ops::kernels().rows<T>().from_float(s.heads.data(), out + first * width, count * width);
}

// Keys and values of all rows, queries of those that went on.
template <typename T>
void LayerBackward<T>::project(const LayerBackwardInput<T>& input) {
  const auto& kernels = ops::kernels().rows<T>();
  const auto norm = [&](const T* x, std::size_t count, Scratch& s) {
    kernels.rms_norm(x, weights().attention_norm.data(), config_.norm_epsilon, count, config_.width, s.normed.data());
  };
  for_blocks(positions_.size(), [&](std::size_t first, std::size_t count, Scratch& s) {
    norm(input.x + first * config_.width, count, s);
    forward(Matrix::kValue)
        .multiply(s.normed.data(), s.unused, count, v_.data() + first * forward(Matrix::kValue).out());
    place_heads(Matrix::kKey, positions_, first, count, weights().key_norm, k_.data(), s);
  });
  for_blocks(query_positions_.size(), [&](std::size_t first, std::size_t count, Scratch& s) {
    norm(query_rows(input, first, count, s), count, s);
    place_heads(Matrix::kQuery, query_positions_, first, count, weights().query_norm, q_.data(), s);
  });
}

template <typename T>
void LayerBackward<T>::attend(const LayerBackwardInput<T>& input) {
  attention_output_ = input.tape.attention_output;
  log_sum_exp_ = input.tape.log_sum_exp;
  if (attention_output_ != nullptr) return;
  const std::size_t queries = query_positions_.size();
  attended_.reserve(queries * config_.heads * config_.head_width);
  sums_.reserve(queries * config_.heads);
  attention_output_ = attended_.data();
  log_sum_exp_ = sums_.data();
  kv_.clear();
  kv_.append(threads_, k_.data(), v_.data(), positions_.size());
  ops::attention_forward<T>(threads_, shape_, q_.data(), query_visible_, kv_.blocks(), attention_output_, log_sum_exp_);
}

// Through one linear layer: dx (+)= dy W with its LoRA term, and the gradients of A and B.
template <typename T>
template <typename Y>
void LayerBackward<T>::linear_backward(Matrix m, const T* x, const T* dy, std::size_t count, bool accumulate, Y* dx,
                                       Scratch& s) {
  const auto i = static_cast<std::size_t>(m);
  const auto& kernels = ops::kernels().rows<T>();
  backward_[i].multiply_low(dy, count, s.low_backward);
  if (places_.lora[i]) {
    const std::size_t rank = forward_[i].rank();
    forward_[i].multiply_low(x, count, s.low_forward);
    kernels.outer_product(x, forward_[i].in(), s.low_backward.wide.data(), rank, count, forward_[i].in(),
                          s.gradient.data() + places_.a[i]);
    kernels.outer_product(dy, forward_[i].out(), s.low_forward.wide.data(), rank, count, forward_[i].out(),
                          s.gradient.data() + places_.b[i]);
  }
  backward_[i].multiply_exact(dy, s.low_backward, count, accumulate, dx);
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
                                            config_.width, s.wide.data(), norm_sums(norm, s));
  kernels.from_float(s.wide.data(), s.narrow.data(), count * config_.width);
  return s.narrow.data();
}

// Everything after attention: d becomes the gradient of the residual stream between the two branches, attention's
// output its gradient, delta their product.
template <typename T>
void LayerBackward<T>::after_attention(const LayerBackwardInput<T>& input, T* d, std::size_t first, std::size_t count,
                                       Scratch& s) {
  const auto& kernels = ops::kernels().rows<T>();
  const auto& f32 = ops::kernels().f32_rows;
  const std::size_t width = config_.width;
  const std::size_t heads_width = config_.heads * config_.head_width;
  T* attended = attention_output_ + first * heads_width;
  d += first * width;

  // Forward again.
  forward(Matrix::kOutput).multiply(attended, s.unused, count, s.branch.data());
  const float* joined = s.branch.data();
  if (!weights().post_attention_norm.empty()) {
    f32.rms_norm(s.branch.data(), weights().post_attention_norm.data(), config_.norm_epsilon, count, width,
                 s.wide.data());
    joined = s.wide.data();
  }
  std::memcpy(static_cast<void*>(s.hidden.data()), query_rows(input, first, count, s), count * width * sizeof(T));
  kernels.add_f32(s.hidden.data(), joined, count * width);
  kernels.rms_norm(s.hidden.data(), weights().feed_forward_norm.data(), config_.norm_epsilon, count, width,
                   s.normed.data());
  forward(Matrix::kGate).multiply(s.normed.data(), s.unused, count, s.gate.data());
  forward(Matrix::kUp).multiply(s.normed.data(), s.unused, count, s.up.data());
  const std::size_t numbers = count * config_.feed_forward;
  const bool gelu = config_.family == Family::kGemma3;
  std::memcpy(static_cast<void*>(s.product.data()), s.gate.data(), numbers * sizeof(T));
  (gelu ? kernels.gelu_product : kernels.silu_product)(s.product.data(), s.up.data(), numbers);

  // Feed-forward branch.
  if (!weights().post_feed_forward_norm.empty()) {
    forward(Matrix::kDown).multiply(s.product.data(), s.unused, count, s.heads.data());
  }
  const T* d_branch = branch_gradient(d, s.heads.data(), Norm::kPostFeedForward, count, s);
  s.d_product.reserve(numbers);
  linear_backward(Matrix::kDown, s.product.data(), d_branch, count, false, s.d_product.data(), s);
  (gelu ? kernels.gelu_product_backward : kernels.silu_product_backward)(s.gate.data(), s.up.data(), s.d_product.data(),
                                                                         numbers);
  linear_backward(Matrix::kGate, s.normed.data(), s.gate.data(), count, false, s.wide.data(), s);
  linear_backward(Matrix::kUp, s.normed.data(), s.up.data(), count, true, s.wide.data(), s);
  kernels.rms_norm_backward(s.hidden.data(), weights().feed_forward_norm.data(), config_.norm_epsilon, s.wide.data(),
                            count, width, s.wide.data(), norm_sums(Norm::kFeedForward, s));
  kernels.add_f32(d, s.wide.data(), count * width);

  // Attention branch.
  const T* d_output = branch_gradient(d, s.branch.data(), Norm::kPostAttention, count, s);
  linear_backward(Matrix::kOutput, attended, d_output, count, false, s.heads.data(), s);
  for (std::size_t r = 0; r < count * config_.heads; ++r) {
    delta_[first * config_.heads + r] =
        kernels.dot(attended + r * config_.head_width, s.heads.data() + r * config_.head_width, config_.head_width);
  }
  kernels.from_float(s.heads.data(), attended, count * heads_width);
}

template <typename T>
void LayerBackward<T>::attention_backward() {
  const auto q = static_cast<std::ptrdiff_t>(config_.heads * config_.head_width);
  const auto k = static_cast<std::ptrdiff_t>(config_.kv_heads * config_.head_width);
  const auto heads = static_cast<std::ptrdiff_t>(config_.heads);
  ops::AttentionGradientInput<T> input;
  input.q = {q_.data(), q};
  input.k = {k_.data(), k};
  input.v = {v_.data(), k};
  input.d_out = {attention_output_, q};
  input.log_sum_exp = {log_sum_exp_, heads};
  input.delta = {delta_.data(), heads};
  input.visible = query_visible_;
  input.keys = positions_.size();
  attention_.run(threads_, shape_, input, {dq_.data(), q}, {dk_.data(), k}, {dv_.data(), k});
}

// From the gradient of placed queries or keys, heads [count][out], to that of the normed input, added to `to`.
template <typename T>
void LayerBackward<T>::heads_backward(Matrix m, const std::vector<std::int64_t>& positions, std::size_t first,
                                      std::size_t count, float* heads, bool accumulate, float* to, Scratch& s) {
  const std::size_t width = forward(m).out();
  rotation_.rotate(index_, std::span(positions).subspan(first, count), heads, width, s.rotation,
                   HeadRotation::Direction::kBackward);
  const Norm norm_of_heads = m == Matrix::kQuery ? Norm::kQuery : Norm::kKey;
  const std::vector<float>& norm = weights()[norm_of_heads];
  if (!norm.empty()) {
    forward(m).multiply(s.normed.data(), s.unused, count, s.heads.data());
    ops::kernels().f32_rows.rms_norm_backward(s.heads.data(), norm.data(), config_.norm_epsilon, heads,
                                              count * width / config_.head_width, config_.head_width, heads,
                                              norm_sums(norm_of_heads, s));
  }
  ops::kernels().rows<T>().from_float(heads, s.narrow.data(), count * width);
  linear_backward(m, s.normed.data(), s.narrow.data(), count, accumulate, to, s);
}

// Everything before attention: the gradient of the first norm's output, then of x.
template <typename T>
void LayerBackward<T>::before_attention(const LayerBackwardInput<T>& input, const T* d, T* dx) {
  const auto& kernels = ops::kernels().rows<T>();
  const std::size_t width = config_.width;
  const auto norm = [&](const T* x, std::size_t count, Scratch& s) {
    kernels.rms_norm(x, weights().attention_norm.data(), config_.norm_epsilon, count, width, s.normed.data());
  };
  for_blocks(positions_.size(), [&](std::size_t first, std::size_t count, Scratch& s) {
    const std::size_t kv_width = forward(Matrix::kValue).out();
    norm(input.x + first * width, count, s);
    kernels.from_float(dv_.data() + first * kv_width, s.narrow.data(), count * kv_width);
    linear_backward(Matrix::kValue, s.normed.data(), s.narrow.data(), count, false, d_norm_.data() + first * width, s);
    heads_backward(Matrix::kKey, positions_, first, count, dk_.data() + first * kv_width, true,
                   d_norm_.data() + first * width, s);
  });
  for_blocks(query_positions_.size(), [&](std::size_t first, std::size_t count, Scratch& s) {
    norm(query_rows(input, first, count, s), count, s);
    float* dq = dq_.data() + first * forward(Matrix::kQuery).out();
    const bool all = input.queries.empty();
    heads_backward(Matrix::kQuery, query_positions_, first, count, dq, all,
                   all ? d_norm_.data() + first * width : s.wide.data(), s);
    for (std::size_t r = 0; !all && r < count; ++r) {
      ops::kernels().f32_rows.add(d_norm_.data() + input.queries[first + r] * width, s.wide.data() + r * width, width);
    }
  });
  if (!input.queries.empty()) {
    std::fill_n(dx, positions_.size() * width, T(0.0f));
    for (std::size_t i = 0; i < input.queries.size(); ++i)
      std::copy_n(d + i * width, width, dx + input.queries[i] * width);
  } else if (dx != d) {
    std::copy_n(d, positions_.size() * width, dx);
  }
  for_blocks(positions_.size(), [&](std::size_t first, std::size_t count, Scratch& s) {
    kernels.rms_norm_backward(input.x + first * width, weights().attention_norm.data(), config_.norm_epsilon,
                              d_norm_.data() + first * width, count, width, s.wide.data(),
                              norm_sums(Norm::kAttention, s));
    kernels.add_f32(dx + first * width, s.wide.data(), count * width);
  });
}

template <typename T>
void LayerBackward<T>::run(std::size_t index, const LayerAdapter* adapter, const LayerBackwardInput<T>& input, T* d,
                           T* dx, const LayerGradient& gradient) {
  TOME_CHECK(input.positions.size() * config_.width <= d_norm_.size() &&
             input.visible.size() == input.positions.size());
  pack(index, adapter);
  place_gradients(gradient);
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
  project(input);
  attend(input);
  for_blocks(query_positions_.size(),
             [&](std::size_t first, std::size_t count, Scratch& s) { after_attention(input, d, first, count, s); });
  attention_backward();
  before_attention(input, d, dx);
  collect(gradient);
}

template class LayerBackward<bf16>;
template class LayerBackward<float>;

}  // namespace tome
