#include "model/decoder_layer.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "ops/kernels/kernels.h"

namespace tome {

ops::AttentionShape attention_shape(const ModelConfig& config) {
  return {static_cast<int>(config.heads), static_cast<int>(config.kv_heads), static_cast<int>(config.head_width),
          config.attention_scale};
}

template <typename T>
DecoderLayer<T>::DecoderLayer(const Model& model, Threads& threads, std::size_t max_rows)
    : model_(model),
      config_(model.config()),
      threads_(threads),
      shape_(attention_shape(config_)),
      rotation_(config_),
      q_(max_rows * config_.heads * config_.head_width),
      k_(max_rows * config_.kv_heads * config_.head_width),
      v_(max_rows * config_.kv_heads * config_.head_width),
      scratch_(static_cast<std::size_t>(threads.count())) {
  const std::size_t block = std::min(kRowBlock, max_rows);
  for (Scratch& s : scratch_) {
    s.normed = AlignedBuffer<T>(block * config_.width);
    s.heads = AlignedBuffer<float>(block * std::max(config_.heads, config_.kv_heads) * config_.head_width);
    s.out = AlignedBuffer<float>(block * config_.width);
    s.gate = AlignedBuffer<T>(block * config_.feed_forward);
    s.up = AlignedBuffer<T>(block * config_.feed_forward);
  }
}

template <typename T>
void DecoderLayer<T>::pack(std::size_t index, Precision precision, const LayerAdapter* adapter) {
  index_ = index;
  for (const Matrix m : kMatrices) {
    const auto i = static_cast<std::size_t>(m);
    linears_[i].pack(threads_, model_.layer(index)[m], precision, adapter != nullptr ? (*adapter)[i] : LoraPair{});
  }
  model_.release_layer(index);
}

template <typename T>
std::size_t DecoderLayer<T>::bytes() const {
  std::size_t total = q_.bytes() + k_.bytes() + v_.bytes();
  for (const auto& l : linears_) total += l.bytes();
  for (const auto& s : scratch_) total += s.normed.bytes() + s.out.bytes() + s.gate.bytes() + s.up.bytes();
  return total;
}

// Queries or keys of rows [first, first + count): product, norm, rotation.
template <typename T>
void DecoderLayer<T>::place_heads(const Linear<T>& linear, const ChunkRows& rows, std::size_t first, std::size_t count,
                                  const std::vector<float>& norm, Scratch& s, T* out) {
  const auto& f32 = ops::kernels().f32_rows;
  const std::size_t c = config_.head_width;
  const std::size_t width = linear.out();
  linear.multiply(s.normed.data(), s.quantized, count, s.heads.data());
  if (!norm.empty()) {
    f32.rms_norm(s.heads.data(), norm.data(), config_.norm_epsilon, count * width / c, c, s.heads.data());
  }
  rotation_.rotate(index_, rows.positions.subspan(first, count), s.heads.data(), width, s.rotation);
  ops::kernels().rows<T>().from_float(s.heads.data(), out + first * width, count * width);
}

// Queries, keys and values of rows [first, first + count).
template <typename T>
void DecoderLayer<T>::project(const T* x, const ChunkRows& rows, std::size_t first, std::size_t count, Scratch& s) {
  const auto& kernels = ops::kernels().rows<T>();
  const LayerWeights& weights = model_.layer(index_);
  kernels.rms_norm(x + first * config_.width, weights.attention_norm.data(), config_.norm_epsilon, count, config_.width,
                   s.normed.data());
  if (linear(Matrix::kQuery).wants_int8()) kernels.quantize_rows(s.normed.data(), count, config_.width, s.quantized);
  linear(Matrix::kValue)
      .multiply(s.normed.data(), s.quantized, count, v_.data() + first * linear(Matrix::kValue).out());
  place_heads(linear(Matrix::kKey), rows, first, count, weights.key_norm, s, k_.data());
  if (first + count > rows.first_output)
    place_heads(linear(Matrix::kQuery), rows, first, count, weights.query_norm, s, q_.data());
}

// Everything after attention for rows [first, first + count).
template <typename T>
void DecoderLayer<T>::finish(T* x, const T* attended, std::size_t first, std::size_t count, Scratch& s) {
  const auto& kernels = ops::kernels().rows<T>();
  const LayerWeights& weights = model_.layer(index_);
  const std::size_t d = config_.width;
  const std::size_t heads_width = config_.heads * config_.head_width;
  x += first * d;
  const auto product = [&](Matrix m, const T* from, std::size_t width, auto* to) {
    if (linear(m).wants_int8()) kernels.quantize_rows(from, count, width, s.quantized);
    linear(m).multiply(from, s.quantized, count, to);
  };
  const auto add_to_residual = [&](const std::vector<float>& norm) {
    if (!norm.empty()) {
      ops::kernels().f32_rows.rms_norm(s.out.data(), norm.data(), config_.norm_epsilon, count, d, s.out.data());
    }
    kernels.add_f32(x, s.out.data(), count * d);
  };
  product(Matrix::kOutput, attended + first * heads_width, heads_width, s.out.data());
  add_to_residual(weights.post_attention_norm);
  kernels.rms_norm(x, weights.feed_forward_norm.data(), config_.norm_epsilon, count, d, s.normed.data());
  product(Matrix::kGate, s.normed.data(), d, s.gate.data());
  linear(Matrix::kUp).multiply(s.normed.data(), s.quantized, count, s.up.data());
  const auto activation = config_.family == Family::kGemma3 ? kernels.gelu_product : kernels.silu_product;
  activation(s.gate.data(), s.up.data(), count * config_.feed_forward);
  product(Matrix::kDown, s.gate.data(), config_.feed_forward, s.out.data());
  add_to_residual(weights.post_feed_forward_norm);
}

template <typename T>
void DecoderLayer<T>::forward(T* x, const ChunkRows& rows, KvSequence<T>& kv, const LayerTape<T>& tape) {
  const std::size_t count = rows.positions.size();
  TOME_CHECK(count * config_.heads * config_.head_width <= q_.size() && rows.visible.size() == count);
  const std::size_t blocks = (count + kRowBlock - 1) / kRowBlock;
  threads_.for_each(blocks, [&](std::size_t b, int thread) {
    const std::size_t first = b * kRowBlock;
    project(x, rows, first, std::min(kRowBlock, count - first), scratch_[static_cast<std::size_t>(thread)]);
  });
  kv.append(threads_, k_.data(), v_.data(), count);
  const std::size_t from = rows.first_output;
  if (from >= count) return;
  const std::size_t heads_width = config_.heads * config_.head_width;
  T* attended = tape.attention_output != nullptr ? tape.attention_output : q_.data();
  ops::attention_forward<T>(threads_, shape_, q_.data() + from * heads_width, rows.visible.subspan(from), kv.blocks(),
                            attended + from * heads_width,
                            tape.log_sum_exp != nullptr ? tape.log_sum_exp + from * config_.heads : nullptr);
  threads_.for_each((count - from + kRowBlock - 1) / kRowBlock, [&](std::size_t b, int thread) {
    const std::size_t first = from + b * kRowBlock;
    finish(x, attended, first, std::min(kRowBlock, count - first), scratch_[static_cast<std::size_t>(thread)]);
  });
}

template <typename T>
void embed(const Model& model, std::span<const std::int32_t> ids, T* x) {
  const TensorView& table = model.embedding();
  const std::size_t width = model.config().width;
  std::vector<float> row(width);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto id = static_cast<std::size_t>(ids[i]);
    TOME_CHECK(id < model.config().vocabulary, "token id ", ids[i]);
    dequantize(table.type, table.row(id), row);
    for (float& v : row) v *= model.config().embedding_scale;
    ops::kernels().rows<T>().from_float(row.data(), x + i * width, width);
  }
}

template class DecoderLayer<bf16>;
template class DecoderLayer<float>;
template void embed<bf16>(const Model&, std::span<const std::int32_t>, bf16*);
template void embed<float>(const Model&, std::span<const std::int32_t>, float*);

}  // namespace tome
