#include "model/decode.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "model/head.h"
#include "ops/kernels/kernels.h"

namespace tome {
namespace {

constexpr std::size_t kRowsPerTurn = 64;  // weight rows that a thread takes at a time

// The product with the first factor of a LoRA pair, [rank].
std::vector<float> low_rank(const LoraPair& lora, std::span<const float> x) {
  std::vector<float> low(lora.rank);
  for (std::size_t k = 0; k < lora.rank; ++k) {
    low[k] = lora.scale * ops::kernels().f32_rows.dot(x.data(), lora.a + k * x.size(), x.size());
  }
  return low;
}

// y [rows from `first` on] += the LoRA pair's second factor times `low`.
void add_lora(const LoraPair& lora, const std::vector<float>& low, std::size_t first, std::span<float> y) {
  const auto& f32 = ops::kernels().f32_rows;
  for (std::size_t o = 0; o < y.size(); ++o) y[o] += f32.dot(lora.b + (first + o) * lora.rank, low.data(), lora.rank);
}

}  // namespace

template <typename T>
Decoder<T>::Decoder(const Model& model, Threads& threads, bool exact, std::span<const LayerAdapter> adapters)
    : model_(model),
      config_(model.config()),
      threads_(threads),
      exact_(exact),
      adapters_(adapters),
      rotation_(config_),
      x_(config_.width),
      normed_(config_.width),
      q_(config_.heads * config_.head_width),
      k_(config_.kv_heads * config_.head_width),
      v_(k_.size()),
      attended_(q_.size()),
      gate_(config_.feed_forward),
      up_(config_.feed_forward),
      out_(config_.width),
      narrow_q_(q_.size()),
      narrow_k_(k_.size()),
      narrow_v_(k_.size()) {}

template <typename T>
void Decoder<T>::multiply(std::size_t layer, std::span<const float> x, std::initializer_list<Product> products) {
  struct Turn {
    std::size_t matrix;
    std::size_t first;
    std::span<float> y;
  };
  input_.set(x, exact_);
  std::vector<Turn> turns;
  std::array<std::vector<float>, kMatrices.size()> low;
  for (const Product& product : products) {
    const auto m = static_cast<std::size_t>(product.matrix);
    if (!adapters_.empty()) low[m] = low_rank(adapters_[layer][m], x);
    std::span<float> y(*product.out);
    for (std::size_t first = 0; first < y.size(); first += kRowsPerTurn) {
      turns.push_back({m, first, y.subspan(first, std::min(kRowsPerTurn, y.size() - first))});
    }
  }
  threads_.for_each(turns.size(), [&](std::size_t i, int) {
    const auto& [m, first, y] = turns[i];
    const TensorView& weight = model_.layer(layer).matrices[m];
    ops::gemv(weight, first, input_, y);
    if (!low[m].empty()) add_lora(adapters_[layer][m], low[m], first, y);
  });
}

template <typename T>
void Decoder<T>::attend(std::size_t layer, std::int64_t position, KvSequence<T>& kv) {
  const LayerWeights& weights = model_.layer(layer);
  const auto& f32 = ops::kernels().f32_rows;
  const auto& rows = ops::kernels().rows<T>();
  const std::size_t c = config_.head_width;
  if (!weights.query_norm.empty()) {
    f32.rms_norm(q_.data(), weights.query_norm.data(), config_.norm_epsilon, config_.heads, c, q_.data());
    f32.rms_norm(k_.data(), weights.key_norm.data(), config_.norm_epsilon, config_.kv_heads, c, k_.data());
  }
  const bool sliding = config_.is_sliding(layer);
  rotation_.rotate(layer, {&position, 1}, q_.data(), q_.size(), rotation_memory_);
  rotation_.rotate(layer, {&position, 1}, k_.data(), k_.size(), rotation_memory_);
  rows.from_float(q_.data(), narrow_q_.data(), q_.size());
  rows.from_float(k_.data(), narrow_k_.data(), k_.size());
  rows.from_float(v_.data(), narrow_v_.data(), v_.size());
  const std::int64_t index = kv.size();
  kv.append(threads_, narrow_k_.data(), narrow_v_.data(), 1);
  const ops::KeyRange visible = ops::causal_range(index, sliding ? config_.sliding_window : 0);
  ops::attention_forward<T>(threads_, attention_shape(config_), narrow_q_.data(), {&visible, 1}, kv.blocks(),
                            narrow_q_.data());
  rows.to_float(narrow_q_.data(), attended_.data(), attended_.size());
}

// x += [norm](y)
template <typename T>
void Decoder<T>::add_normed(std::span<const float> y, const std::vector<float>& norm) {
  const auto& f32 = ops::kernels().f32_rows;
  if (!norm.empty()) {
    f32.rms_norm(y.data(), norm.data(), config_.norm_epsilon, 1, y.size(), normed_.data());
    y = normed_;
  }
  f32.add(x_.data(), y.data(), x_.size());
}

template <typename T>
void Decoder<T>::step(std::int32_t token, std::int64_t position, const std::function<KvSequence<T>&(std::size_t)>& kv,
                      std::span<float> out, const std::function<void(std::size_t layer)>& layer_done) {
  const auto& f32 = ops::kernels().f32_rows;
  embed<float>(model_, {&token, 1}, x_.data());
  const auto normed = [&](const std::vector<float>& norm) {
    f32.rms_norm(x_.data(), norm.data(), config_.norm_epsilon, 1, x_.size(), normed_.data());
    return std::span<const float>(normed_);
  };
  for (std::size_t layer = 0; layer < config_.layers; ++layer) {
    const LayerWeights& weights = model_.layer(layer);
    multiply(layer, normed(weights.attention_norm),
             {{Matrix::kQuery, &q_}, {Matrix::kKey, &k_}, {Matrix::kValue, &v_}});
    attend(layer, position, kv(layer));
    multiply(layer, attended_, {{Matrix::kOutput, &out_}});
    add_normed(out_, weights.post_attention_norm);
    multiply(layer, normed(weights.feed_forward_norm), {{Matrix::kGate, &gate_}, {Matrix::kUp, &up_}});
    (config_.family == Family::kGemma3 ? f32.gelu_product : f32.silu_product)(gate_.data(), up_.data(), gate_.size());
    multiply(layer, gate_, {{Matrix::kDown, &out_}});
    add_normed(out_, weights.post_feed_forward_norm);
    if (layer_done) layer_done(layer);
  }
  logits<float>(model_, threads_, x_.data(), exact_, out);
}

template class Decoder<bf16>;
template class Decoder<float>;

}  // namespace tome
