// A whole input through the model, layer by layer and chunk by chunk: prefill of reading, forward of training.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/aligned.h"
#include "model/decoder_layer.h"

namespace tome {

inline constexpr std::size_t kDefaultChunkRows = 2048;
inline constexpr std::size_t kEmbedRows = 256;  // tokens between two releases of the embedding's pages in embed_text

struct ForwardOptions {
  Precision precision = Precision::kInt8;
  std::size_t chunk_rows = kDefaultChunkRows;
  /// LoRA pairs by layer, or empty.
  std::span<const LayerAdapter> adapters;
  LoraDropout dropout;  // while training
};

/// What a pass reads and where its results go.
template <typename T>
struct ForwardPass {
  T* x = nullptr;                           // [rows][D]: embeddings in, last layer's output out (rows >= first_output)
  std::span<const std::int64_t> positions;  // [rows]
  std::span<const ops::KeyRange> visible;   // [rows] for global layers
  std::span<const ops::KeyRange> visible_sliding;  // [rows] for sliding layers; unused without
  std::size_t first_output = 0;                    // in the last layer, rows before it only give K and V
  std::span<const std::uint32_t> outputs;          // or only these rows go on in the last layer; empty: see above
  std::size_t first_layer = 0;                     // a resumed pass begins here
  /// K and V of `layer`, holding what precedes the rows; the pass appends to it.
  std::function<KvSequence<T>&(std::size_t layer)> kv;
  /// What `layer` keeps for the backward pass, for all rows; null: nothing.
  std::function<LayerTape<T>(std::size_t layer)> tape;
  /// After each layer; false stops the pass (an interruption).
  std::function<bool(std::size_t layer)> after_layer;
  /// After each chunk of rows, for progress; false stops the pass.
  std::function<bool(std::size_t layer, std::size_t rows_done)> after_chunk;
};

/// Returns false when a callback stopped it.
template <typename T>
bool forward(const Model& model, Threads& threads, const ForwardOptions& options, const ForwardPass<T>& pass);

/// As embed(), for a long text: lets the embedding's mapped pages go again and again, so that few are ever resident.
template <typename T>
void embed_text(const Model& model, std::span<const std::int32_t> ids, T* x);

/// Visible ranges of `rows` consecutive tokens from index `first`: causal, and within `window` keys when window > 0.
std::vector<ops::KeyRange> causal_ranges(std::int64_t first, std::size_t rows, std::int64_t window);
/// first, first + 1, ...
std::vector<std::int64_t> consecutive_positions(std::int64_t first, std::size_t rows);

}  // namespace tome
