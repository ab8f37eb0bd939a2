// One decoder layer over a chunk of rows, forward: the step that reading and training share.
//
//   x += [post_norm] attention(rope(norm(x) Wq), rope(norm(x) Wk), norm(x) Wv) Wo
//   x += [post_norm] (act(norm(x) Wgate) * norm(x) Wup) Wdown
//
// Rows are worked on in blocks of at most kRowBlock, shared evenly, that one thread takes through all operations
// between two attentions, so that everything between stays in its second-level cache.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned.h"
#include "base/threads.h"
#include "model/head_rotation.h"
#include "model/kv_sequence.h"
#include "model/linear.h"
#include "model/lora_dropout.h"
#include "model/model.h"

namespace tome {

inline constexpr std::size_t kRowBlock = 96;

/// How the matrix `m` of a layer is multiplied with rows of a chunk. Softmax magnifies errors of scores: queries and
/// keys stay exact (docs/performance.md, "What int8 costs"). Decoding quantises its one row for all of them.
inline Precision layer_precision(Matrix m, Precision wanted) {
  return m == Matrix::kQuery || m == Matrix::kKey ? Precision::kExact : wanted;
}

ops::AttentionShape attention_shape(const ModelConfig& config);

/// Keys and values for a pass of many rows: with int8 scores as `wanted` has it, where this CPU is faster so.
template <typename T>
KvSequence<T> pass_kv(const ModelConfig& config, Precision wanted, ops::KvType type = ops::KvType::kNative) {
  const ops::AttentionShape shape = attention_shape(config);
  return wanted == Precision::kInt8 ? KvSequence<T>::with_int8_scores(shape, type) : KvSequence<T>(shape, type);
}

/// LoRA pairs of one layer, by Matrix; rank 0 where there is none.
using LayerAdapter = std::array<LoraPair, kMatrices.size()>;

/// What a chunk of rows needs besides x.
struct ChunkRows {
  std::span<const std::int64_t> positions;  // [rows] for RoPE
  std::span<const ops::KeyRange> visible;   // [rows] indices into the layer's KvSequence
  std::size_t first_output = 0;             // rows before it give their K and V and nothing else
};

/// Kept for the backward pass, each where it is not null. hidden, gate and up come together, q, k and v too.
template <typename T>
struct LayerTape {
  T* attention_output = nullptr;  // [rows][H*C], before Wo
  float* log_sum_exp = nullptr;   // [rows][H]
  T* q = nullptr;                 // [rows][H*C], placed
  T* k = nullptr;                 // [rows][K*C], placed
  T* v = nullptr;                 // [rows][K*C]
  T* hidden = nullptr;            // [rows][D], the residual stream between the two branches
  T* gate = nullptr;              // [rows][F]
  T* up = nullptr;                // [rows][F]

  /// The tape of the rows from `row` on.
  LayerTape from_row(const ModelConfig& config, std::size_t row) const;
};

template <typename T>
class DecoderLayer {
 public:
  /// Borrows everything. `max_rows`: the largest chunk.
  DecoderLayer(const Model& model, Threads& threads, std::size_t max_rows);

  /// Of the LoRA pairs' inputs, from now on.
  void set_dropout(const LoraDropout& dropout) { dropout_ = dropout; }
  /// Unpacks layer `index`, which the next forward() calls are for, and lets its mapped pages go.
  void pack(std::size_t index, Precision precision, const LayerAdapter* adapter = nullptr);

  /// x [rows][D] in place; appends the rows' K and V to `kv`.
  void forward(T* x, const ChunkRows& rows, KvSequence<T>& kv, const LayerTape<T>& tape = {});
  /// The same for a layer of which only rows `outputs` (increasing) are wanted: the others give their K and V, and
  /// their x is left as it was.
  void forward_some(T* x, const ChunkRows& rows, std::span<const std::uint32_t> outputs, KvSequence<T>& kv);

  /// Bytes of buffers and packed weights.
  std::size_t bytes() const;

 private:
  struct Scratch {  // one thread's rows
    AlignedBuffer<T> normed, gate, up, dropped;
    AlignedBuffer<float> heads;  // queries or keys before norm and rotation: rounded only after both
    AlignedBuffer<float> out;    // of a branch, before it joins the residual stream: rounded only once
    ops::Int8Rows quantized;
    HeadRotation::Memory rotation;
  };
  void norm_rows(const T* x, std::size_t first, std::size_t count, Scratch& scratch);
  void project_keys(const ChunkRows& rows, std::size_t first, std::size_t count, Scratch& scratch);
  void keep_projections(const LayerTape<T>& tape, std::size_t rows) const;
  void finish(T* x, const T* attended, const ChunkRows& rows, const LayerTape<T>& tape, std::size_t first,
              std::size_t count, Scratch& scratch);
  const T* low_input(Matrix m, std::span<const ops::KeyRange> rows, const T* x, Scratch& scratch) const;
  template <typename Body>
  void for_blocks(std::size_t first, std::size_t end, const Body& body);
  void place_heads(Matrix m, const ChunkRows& rows, std::size_t first, std::size_t count,
                   const std::vector<float>& norm, Scratch& scratch, T* out);
  const Linear<T>& linear(Matrix m) const { return linears_[static_cast<std::size_t>(m)]; }

  const Model& model_;
  const ModelConfig& config_;
  Threads& threads_;
  ops::AttentionShape shape_;
  HeadRotation rotation_;
  LoraDropout dropout_;
  std::size_t index_ = 0;
  std::array<Linear<T>, kMatrices.size()> linears_;
  AlignedBuffer<T> q_, k_, v_;  // [max rows][H*C], [max rows][K*C]
  AlignedBuffer<T> some_x_;     // [outputs][D]
  std::vector<Scratch> scratch_;
};

/// x[i] = embedding of ids[i], scaled as the family has it.
template <typename T>
void embed(const Model& model, std::span<const std::int32_t> ids, T* x);

}  // namespace tome
