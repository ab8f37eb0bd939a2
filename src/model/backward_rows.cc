#include "model/backward_rows.h"

#include "base/error.h"
#include "ops/kernels/kernels.h"

namespace tome {

template <typename T>
BackwardRows<T>::BackwardRows(const Model& the_model, Threads& the_threads)
    : model(the_model),
      config(the_model.config()),
      threads(the_threads),
      gradients(config, static_cast<std::size_t>(the_threads.count())),
      scratch(static_cast<std::size_t>(the_threads.count())) {
  const std::size_t widest = std::max({config.width, config.heads * config.head_width});
  for (std::size_t i = 0; i < scratch.size(); ++i) {
    BackwardScratch<T>& s = scratch[i];
    s.stripe = i;
    for (auto* rows : {&s.gathered, &s.normed, &s.hidden}) *rows = AlignedBuffer<T>(kRowBlock * config.width);
    s.narrow = AlignedBuffer<T>(kRowBlock * widest);
    for (auto* rows : {&s.gate, &s.up, &s.product, &s.d_product}) {
      *rows = AlignedBuffer<T>(kRowBlock * config.feed_forward);
    }
    for (auto* rows : {&s.wide, &s.branch, &s.heads, &s.head_gradient}) {
      *rows = AlignedBuffer<float>(kRowBlock * widest);
    }
  }
}

template <typename T>
void BackwardRows<T>::begin(std::size_t layer, const LayerAdapter* pairs, const LayerBackwardInput<T>& in) {
  TOME_CHECK(in.visible.size() == in.positions.size());
  index = layer;
  adapter = pairs;
  input = in;
  positions.assign(in.positions.begin(), in.positions.end());
  query_positions = positions;
  query_visible.assign(in.visible.begin(), in.visible.end());
  if (in.queries.empty()) return;
  query_positions.clear();
  query_visible.clear();
  for (const std::uint32_t row : in.queries) {
    query_positions.push_back(in.positions[row]);
    query_visible.push_back(in.visible[row]);
  }
}

template <typename T>
const T* BackwardRows<T>::low_input(Matrix m, std::span<const ops::KeyRange> seen, const T* x,
                                    BackwardScratch<T>& s) const {
  if (!dropout.on() || lora(m).rank == 0) return nullptr;
  const std::size_t width = weights()[m].columns();
  s.dropped.reserve(seen.size() * width);
  dropout.apply(index, m, seen, x, width, s.dropped.data());
  return s.dropped.data();
}

template <typename T>
void BackwardRows<T>::norm(const T* x, std::size_t count, BackwardScratch<T>& s) const {
  ops::kernels().rows<T>().rms_norm(x, weights().attention_norm.data(), config.norm_epsilon, count, config.width,
                                    s.normed.data());
}

template <typename T>
const T* BackwardRows<T>::query_x(std::size_t first, std::size_t count, BackwardScratch<T>& s) const {
  const std::size_t d = config.width;
  if (input.queries.empty()) return input.x + first * d;
  for (std::size_t r = 0; r < count; ++r) {
    std::copy_n(input.x + input.queries[first + r] * d, d, s.gathered.data() + r * d);
  }
  return s.gathered.data();
}

template struct BackwardRows<bf16>;
template struct BackwardRows<float>;

}  // namespace tome
