#include "model/decoder_layer.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "ops/kernels/kernels.h"

namespace tome {
namespace {

std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

// Rows of a block, so that no thread waits long for another's last one.
std::size_t balanced_block(std::size_t rows, std::size_t threads) {
  const std::size_t tile = ops::kernels().row_tile;
  const std::size_t blocks = std::max<std::size_t>(1, round_up((rows + kRowBlock - 1) / kRowBlock, threads));
  return std::min(kRowBlock, std::max(tile, round_up((rows + blocks - 1) / blocks, tile)));
}

}  // namespace

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
    linears_[i].pack(threads_, model_.layer(index)[m], layer_precision(m, precision),
                     adapter != nullptr ? (*adapter)[i] : LoraPair{});
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

// What the LoRA pair of `m` sees instead of x, or null.
template <typename T>
const T* DecoderLayer<T>::low_input(Matrix m, std::span<const ops::KeyRange> rows, const T* x, Scratch& s) const {
  if (!dropout_.on() || linear(m).rank() == 0) return nullptr;
  s.dropped.reserve(rows.size() * linear(m).in());
  dropout_.apply(index_, m, rows, x, linear(m).in(), s.dropped.data());
  return s.dropped.data();
}

// Queries or keys of rows [first, first + count): product, norm, rotation.
template <typename T>
void DecoderLayer<T>::place_heads(Matrix m, const ChunkRows& rows, std::size_t first, std::size_t count,
                                  const std::vector<float>& norm, Scratch& s, T* out) {
  const auto& f32 = ops::kernels().f32_rows;
  const std::size_t c = config_.head_width;
  const std::size_t width = linear(m).out();
  linear(m).multiply(s.normed.data(), s.quantized, count, s.heads.data(),
                     low_input(m, rows.visible.subspan(first, count), s.normed.data(), s));
  if (!norm.empty()) {
    f32.rms_norm(s.heads.data(), norm.data(), config_.norm_epsilon, count * width / c, c, s.heads.data());
  }
  rotation_.rotate(index_, rows.positions.subspan(first, count), s.heads.data(), width, s.rotation);
  ops::kernels().rows<T>().from_float(s.heads.data(), out + first * width, count * width);
}

template <typename T>
void DecoderLayer<T>::norm_rows(const T* x, std::size_t first, std::size_t count, Scratch& s) {
  const auto& kernels = ops::kernels().rows<T>();
  kernels.rms_norm(x + first * config_.width, model_.layer(index_).attention_norm.data(), config_.norm_epsilon, count,
                   config_.width, s.normed.data());
  if (linear(Matrix::kValue).wants_int8()) kernels.quantize_rows(s.normed.data(), count, config_.width, s.quantized);
}

// Keys and values of normed rows [first, first + count).
template <typename T>
void DecoderLayer<T>::project_keys(const ChunkRows& rows, std::size_t first, std::size_t count, Scratch& s) {
  linear(Matrix::kValue)
      .multiply(s.normed.data(), s.quantized, count, v_.data() + first * linear(Matrix::kValue).out(),
                low_input(Matrix::kValue, rows.visible.subspan(first, count), s.normed.data(), s));
  place_heads(Matrix::kKey, rows, first, count, model_.layer(index_).key_norm, s, k_.data());
}

// Everything after attention for rows [first, first + count).
template <typename T>
void DecoderLayer<T>::finish(T* x, const T* attended, const ChunkRows& rows, const LayerTape<T>& tape,
                             std::size_t first, std::size_t count, Scratch& s) {
  const auto& kernels = ops::kernels().rows<T>();
  const LayerWeights& weights = model_.layer(index_);
  const std::size_t d = config_.width;
  const std::size_t heads_width = config_.heads * config_.head_width;
  x += first * d;
  const auto seen = rows.visible.subspan(first, count);
  const auto product = [&](Matrix m, const T* from, std::size_t width, auto* to) {
    if (linear(m).wants_int8()) kernels.quantize_rows(from, count, width, s.quantized);
    linear(m).multiply(from, s.quantized, count, to, low_input(m, seen, from, s));
  };
  const auto add_to_residual = [&](const std::vector<float>& norm) {
    if (!norm.empty()) {
      ops::kernels().f32_rows.rms_norm(s.out.data(), norm.data(), config_.norm_epsilon, count, d, s.out.data());
    }
    kernels.add_f32(x, s.out.data(), count * d);
  };
  product(Matrix::kOutput, attended + first * heads_width, heads_width, s.out.data());
  add_to_residual(weights.post_attention_norm);
  if (tape.hidden != nullptr) std::copy_n(x, count * d, tape.hidden + first * d);
  kernels.rms_norm(x, weights.feed_forward_norm.data(), config_.norm_epsilon, count, d, s.normed.data());
  product(Matrix::kGate, s.normed.data(), d, s.gate.data());
  linear(Matrix::kUp)
      .multiply(s.normed.data(), s.quantized, count, s.up.data(), low_input(Matrix::kUp, seen, s.normed.data(), s));
  if (tape.gate != nullptr) {
    std::copy_n(s.gate.data(), count * config_.feed_forward, tape.gate + first * config_.feed_forward);
    std::copy_n(s.up.data(), count * config_.feed_forward, tape.up + first * config_.feed_forward);
  }
  const auto activation = config_.family == Family::kGemma3 ? kernels.gelu_product : kernels.silu_product;
  activation(s.gate.data(), s.up.data(), count * config_.feed_forward);
  product(Matrix::kDown, s.gate.data(), config_.feed_forward, s.out.data());
  add_to_residual(weights.post_feed_forward_norm);
}

template <typename T>
template <typename Body>
void DecoderLayer<T>::for_blocks(std::size_t first, std::size_t end, const Body& body) {
  const std::size_t block = balanced_block(end - first, static_cast<std::size_t>(threads_.count()));
  threads_.for_each((end - first + block - 1) / block, [&](std::size_t b, int thread) {
    const std::size_t at = first + b * block;
    body(at, std::min(block, end - at), scratch_[static_cast<std::size_t>(thread)]);
  });
}

template <typename T>
void DecoderLayer<T>::keep_projections(const LayerTape<T>& tape, std::size_t rows) const {
  if (tape.q == nullptr) return;
  std::copy_n(q_.data(), rows * linear(Matrix::kQuery).out(), tape.q);
  std::copy_n(k_.data(), rows * linear(Matrix::kKey).out(), tape.k);
  std::copy_n(v_.data(), rows * linear(Matrix::kValue).out(), tape.v);
}

template <typename T>
void DecoderLayer<T>::forward(T* x, const ChunkRows& rows, KvSequence<T>& kv, const LayerTape<T>& tape) {
  const std::size_t count = rows.positions.size();
  const std::size_t from = rows.first_output;
  TOME_CHECK(count * config_.heads * config_.head_width <= q_.size() && rows.visible.size() == count);
  for_blocks(0, count, [&](std::size_t first, std::size_t n, Scratch& s) {
    norm_rows(x, first, n, s);
    project_keys(rows, first, n, s);
    if (first + n > from) place_heads(Matrix::kQuery, rows, first, n, model_.layer(index_).query_norm, s, q_.data());
  });
  kv.append(threads_, k_.data(), v_.data(), count);
  keep_projections(tape, count);
  if (from >= count) return;
  const std::size_t heads_width = config_.heads * config_.head_width;
  T* attended = tape.attention_output != nullptr ? tape.attention_output : q_.data();
  ops::attention_forward<T>(threads_, shape_, q_.data() + from * heads_width, rows.visible.subspan(from), kv.blocks(),
                            attended + from * heads_width,
                            tape.log_sum_exp != nullptr ? tape.log_sum_exp + from * config_.heads : nullptr);
  for_blocks(from, count,
             [&](std::size_t first, std::size_t n, Scratch& s) { finish(x, attended, rows, tape, first, n, s); });
}

template <typename T>
void DecoderLayer<T>::forward_some(T* x, const ChunkRows& rows, std::span<const std::uint32_t> outputs,
                                   KvSequence<T>& kv) {
  const std::size_t count = rows.positions.size();
  const std::size_t width = config_.width;
  for_blocks(0, count, [&](std::size_t first, std::size_t n, Scratch& s) {
    norm_rows(x, first, n, s);
    project_keys(rows, first, n, s);
  });
  kv.append(threads_, k_.data(), v_.data(), count);
  if (outputs.empty()) return;
  some_x_.reserve(outputs.size() * width);
  std::vector<std::int64_t> positions;
  std::vector<ops::KeyRange> visible;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    std::copy_n(x + outputs[i] * width, width, some_x_.data() + i * width);
    positions.push_back(rows.positions[outputs[i]]);
    visible.push_back(rows.visible[outputs[i]]);
  }
  const ChunkRows some{positions, visible, 0};
  for_blocks(0, outputs.size(), [&](std::size_t first, std::size_t n, Scratch& s) {
    norm_rows(some_x_.data(), first, n, s);
    place_heads(Matrix::kQuery, some, first, n, model_.layer(index_).query_norm, s, q_.data());
  });
  ops::attention_forward<T>(threads_, shape_, q_.data(), visible, kv.blocks(), q_.data());
  for_blocks(0, outputs.size(), [&](std::size_t first, std::size_t n, Scratch& s) {
    finish(some_x_.data(), q_.data(), some, {}, first, n, s);
  });
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    std::copy_n(some_x_.data() + i * width, width, x + outputs[i] * width);
  }
}

template <typename T>
LayerTape<T> LayerTape<T>::from_row(const ModelConfig& config, std::size_t row) const {
  const auto at = [&](auto* part, std::size_t width) { return part != nullptr ? part + row * width : nullptr; };
  const std::size_t heads = config.heads * config.head_width;
  const std::size_t kv_heads = config.kv_heads * config.head_width;
  return {at(attention_output, heads),
          at(log_sum_exp, config.heads),
          at(q, heads),
          at(k, kv_heads),
          at(v, kv_heads),
          at(hidden, config.width),
          at(gate, config.feed_forward),
          at(up, config.feed_forward)};
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

template struct LayerTape<bf16>;
template struct LayerTape<float>;
template class DecoderLayer<bf16>;
template class DecoderLayer<float>;
template void embed<bf16>(const Model&, std::span<const std::int32_t>, bf16*);
template void embed<float>(const Model&, std::span<const std::int32_t>, float*);

}  // namespace tome
