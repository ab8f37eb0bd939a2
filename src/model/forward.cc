#include "model/forward.h"

#include <algorithm>
#include <numeric>

namespace tome {
namespace {

// Those of `rows` that lie in [first, end), counted from `first`.
std::vector<std::uint32_t> rows_between(std::span<const std::uint32_t> rows, std::size_t first, std::size_t end) {
  std::vector<std::uint32_t> here;
  for (auto row = std::lower_bound(rows.begin(), rows.end(), first); row != rows.end() && *row < end; ++row) {
    here.push_back(static_cast<std::uint32_t>(*row - first));
  }
  return here;
}

}  // namespace

template <typename T>
bool forward(const Model& model, Threads& threads, const ForwardOptions& options, const ForwardPass<T>& pass) {
  const ModelConfig& config = model.config();
  const std::size_t rows = pass.positions.size();
  DecoderLayer<T> layer(model, threads, std::min(options.chunk_rows, rows));
  layer.set_dropout(options.dropout);
  for (std::size_t index = pass.first_layer; index < config.layers; ++index) {
    layer.pack(index, options.precision, options.adapters.empty() ? nullptr : &options.adapters[index]);
    KvSequence<T>& kv = pass.kv(index);
    const bool sliding = config.is_sliding(index);
    const bool last = index + 1 == config.layers;
    const std::size_t first_output = last ? pass.first_output : 0;
    for (std::size_t first = 0; first < rows; first += options.chunk_rows) {
      const std::size_t count = std::min(options.chunk_rows, rows - first);
      const auto visible = (sliding ? pass.visible_sliding : pass.visible).subspan(first, count);
      const std::size_t from = first_output > first ? std::min(first_output - first, count) : 0;
      const ChunkRows chunk{pass.positions.subspan(first, count), visible, from};
      T* x = pass.x + first * config.width;
      if (last && !pass.outputs.empty()) {
        layer.forward_some(x, chunk, rows_between(pass.outputs, first, first + count), kv);
      } else {
        layer.forward(x, chunk, kv, pass.tape ? pass.tape(index).from_row(config, first) : LayerTape<T>{});
      }
      if (pass.after_chunk && !pass.after_chunk(index, first + count)) return false;
    }
    if (pass.after_layer && !pass.after_layer(index)) return false;
  }
  return true;
}

template <typename T>
void embed_text(const Model& model, std::span<const std::int32_t> ids, T* x) {
  for (std::size_t first = 0; first < ids.size(); first += kEmbedRows) {
    embed<T>(model, ids.subspan(first, std::min(kEmbedRows, ids.size() - first)), x + first * model.config().width);
    model.release(model.embedding());
  }
}

std::vector<ops::KeyRange> causal_ranges(std::int64_t first, std::size_t rows, std::int64_t window) {
  std::vector<ops::KeyRange> ranges(rows);
  for (std::size_t r = 0; r < rows; ++r) ranges[r] = ops::causal_range(first + static_cast<std::int64_t>(r), window);
  return ranges;
}

std::vector<std::int64_t> consecutive_positions(std::int64_t first, std::size_t rows) {
  std::vector<std::int64_t> positions(rows);
  std::iota(positions.begin(), positions.end(), first);
  return positions;
}

template bool forward<bf16>(const Model&, Threads&, const ForwardOptions&, const ForwardPass<bf16>&);
template bool forward<float>(const Model&, Threads&, const ForwardOptions&, const ForwardPass<float>&);
template void embed_text<bf16>(const Model&, std::span<const std::int32_t>, bf16*);
template void embed_text<float>(const Model&, std::span<const std::int32_t>, float*);

}  // namespace tome
