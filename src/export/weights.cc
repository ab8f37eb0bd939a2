#include "export/weights.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/row_order.h"
#include "model/tensor_names.h"

namespace tome {
namespace {

constexpr std::size_t kRows = 512;        // in memory at once
constexpr std::size_t kRowsPerTurn = 16;  // of one thread

/// row += scale * sum over k of b[k] * A[k]
void add_lora(const LoraPair& lora, std::size_t index, std::span<float> row) {
  const float* b = lora.b + index * lora.rank;
  for (std::size_t k = 0; k < lora.rank; ++k) {
    const float factor = lora.scale * b[k];
    const float* a = lora.a + k * row.size();
    for (std::size_t i = 0; i < row.size(); ++i) row[i] += factor * a[i];
  }
}

std::size_t source_row(const ExportTensor& tensor, std::size_t row) {
  switch (tensor.order) {
    case RowOrder::kPairsFromHalves:
      return row_in_halves(row, tensor.head_width);
    case RowOrder::kHalvesFromPairs:
      return row_in_pairs(row, tensor.head_width);
    default:
      return row;
  }
}

void pack(const ExportTensor& tensor, std::span<const float> row, std::span<std::byte> out) {
  if (!std::all_of(row.begin(), row.end(), [](float v) { return std::isfinite(v); })) {
    throw_user_error("tensor ", tensor.name, ": holds a number that is not finite");
  }
  constexpr float kLargestHalf = 65504;
  if (tensor.type == TensorType::kF16 &&
      std::any_of(row.begin(), row.end(), [](float v) { return std::fabs(v) > kLargestHalf; })) {
    throw_user_error("tensor ", tensor.name, ": holds a number too large for F16; choose another --type");
  }
  quantize(tensor.type, row, out);
}

ExportTensor matrix_tensor(std::string name, const TensorView& matrix, TensorType type) {
  ExportTensor tensor;
  tensor.name = std::move(name);
  tensor.shape = {matrix.rows(), matrix.columns()};
  tensor.type = type;
  tensor.matrix = matrix;
  return tensor;
}

ExportTensor vector_tensor(std::string name, std::vector<float> values) {
  ExportTensor tensor;
  tensor.name = std::move(name);
  tensor.shape = {values.size()};
  tensor.vector = std::move(values);
  return tensor;
}

LoraPair pair_of(const Adapter* adapter, std::size_t layer, Matrix m) {
  return adapter == nullptr ? LoraPair{} : adapter->layers()[layer][static_cast<std::size_t>(m)];
}

/// Queries and keys from the model's row order to another.
RowOrder order_of(Matrix m, RopeLayout from, RopeLayout to) {
  if ((m != Matrix::kQuery && m != Matrix::kKey) || from == to) return RowOrder::kAsTheyAre;
  return to == RopeLayout::kPairs ? RowOrder::kPairsFromHalves : RowOrder::kHalvesFromPairs;
}

/// GGUF has no key for the scale of Gemma's scores: its files mean 1 / sqrt(C), but for the 27B of 62 layers.
float score_scale_for_gguf(const ModelConfig& config) {
  const bool is_27b = config.layers == 62;
  const std::size_t scalar = is_27b ? config.width / config.heads : config.head_width;
  return static_cast<float>(1 / std::sqrt(static_cast<double>(scalar)));
}

/// What stands in place of rope_freqs.weight: the file's own factors, or llama3's scaling as factors; empty: nothing.
std::vector<float> frequency_factors(const ModelConfig& config) {
  if (config.rope_scaling.kind != RopeKind::kLlama3) return config.rope_scaling.frequency_factors;
  const Rope plain(config.head_width, config.rope_theta, {});
  const Rope scaled(config.head_width, config.rope_theta, config.rope_scaling);
  std::vector<float> factors;
  for (std::size_t i = 0; i < config.head_width / 2; ++i) {
    factors.push_back(plain.frequencies()[i] / scaled.frequencies()[i]);
  }
  return factors;
}

bool is_four_bit(TensorType type) {
  return type == TensorType::kQ4_0 || type == TensorType::kQ4_1 || type == TensorType::kQ4_K;
}

}  // namespace

TensorType matrix_type(TensorType wanted, std::size_t columns, bool is_output) {
  std::vector<TensorType> choices = {wanted};
  if (is_output && is_four_bit(wanted)) {
    choices = {TensorType::kQ6_K, TensorType::kQ8_0};
  } else if (wanted == TensorType::kQ4_K) {
    choices.push_back(TensorType::kQ5_0);
  }
  for (const TensorType type : choices) {
    if (columns % info(type).block_values == 0) return type;
  }
  return TensorType::kF16;
}

std::vector<ExportTensor> gguf_tensors(const Model& model, const Adapter* adapter, TensorType type) {
  const ModelConfig& config = model.config();
  const bool gemma = config.family == Family::kGemma3;
  const RopeLayout layout = gemma ? RopeLayout::kHalves : RopeLayout::kPairs;
  const auto chosen = [&](const TensorView& m, bool is_output) { return matrix_type(type, m.columns(), is_output); };
  std::vector<ExportTensor> tensors;
  tensors.push_back(
      matrix_tensor("token_embd.weight", model.embedding(), chosen(model.embedding(), config.tied_output)));
  if (const auto factors = frequency_factors(config); !factors.empty()) {
    tensors.push_back(vector_tensor("rope_freqs.weight", factors));
  }
  for (std::size_t layer = 0; layer < config.layers; ++layer) {
    const std::string prefix = cat("blk.", layer, ".");
    for (const Norm n : kNorms) {
      std::vector<float> weights = model.layer(layer)[n];
      if (weights.empty()) continue;
      if (gemma && n == Norm::kQuery && config.attention_scale != score_scale_for_gguf(config)) {
        for (float& w : weights) w *= config.attention_scale / score_scale_for_gguf(config);
      }
      tensors.push_back(vector_tensor(cat(prefix, gguf_name(n, config.family), ".weight"), std::move(weights)));
    }
    for (const Matrix m : kMatrices) {
      const TensorView& matrix = model.layer(layer)[m];
      tensors.push_back(matrix_tensor(cat(prefix, gguf_name(m), ".weight"), matrix, chosen(matrix, false)));
      tensors.back().lora = pair_of(adapter, layer, m);
      tensors.back().order = order_of(m, config.rope_layout, layout);
      tensors.back().head_width = config.head_width;
    }
  }
  tensors.push_back(vector_tensor("output_norm.weight", model.output_norm()));
  if (!config.tied_output) {
    tensors.push_back(matrix_tensor("output.weight", model.output(), chosen(model.output(), true)));
  }
  return tensors;
}

std::vector<ExportTensor> folder_tensors(const Model& model, const Adapter* adapter, TensorType type) {
  const ModelConfig& config = model.config();
  const auto norm = [&](std::string name, std::vector<float> weights) {
    for (float& w : weights) w -= folder_norm_offset(config.family);
    return vector_tensor(std::move(name), std::move(weights));
  };
  std::vector<ExportTensor> tensors;
  tensors.push_back(matrix_tensor("model.embed_tokens.weight", model.embedding(), type));
  for (std::size_t layer = 0; layer < config.layers; ++layer) {
    const std::string prefix = cat("model.layers.", layer, ".");
    for (const Norm n : kNorms) {
      const std::vector<float>& weights = model.layer(layer)[n];
      if (!weights.empty()) tensors.push_back(norm(cat(prefix, folder_name(n, config.family), ".weight"), weights));
    }
    for (const Matrix m : kMatrices) {
      tensors.push_back(matrix_tensor(cat(prefix, folder_name(m), ".weight"), model.layer(layer)[m], type));
      tensors.back().lora = pair_of(adapter, layer, m);
      tensors.back().order = order_of(m, config.rope_layout, RopeLayout::kHalves);
      tensors.back().head_width = config.head_width;
    }
  }
  tensors.push_back(norm("model.norm.weight", model.output_norm()));
  if (!config.tied_output) tensors.push_back(matrix_tensor("lm_head.weight", model.output(), type));
  return tensors;
}

void stream_tensor(const ExportTensor& tensor, const Model& model, Threads& threads,
                   const std::function<void(std::span<const std::byte>)>& sink) {
  if (tensor.matrix.data.empty()) {
    sink(std::as_bytes(std::span(tensor.vector)));
    return;
  }
  const std::size_t rows = tensor.shape[0], columns = tensor.shape[1];
  const std::size_t row_bytes = byte_size(tensor.type, columns);
  std::vector<std::byte> packed(std::min(kRows, rows) * row_bytes);
  std::vector<std::vector<float>> unpacked(static_cast<std::size_t>(threads.count()), std::vector<float>(columns));
  for (std::size_t first = 0; first < rows; first += kRows) {
    const std::size_t count = std::min(kRows, rows - first);
    threads.for_each((count + kRowsPerTurn - 1) / kRowsPerTurn, [&](std::size_t turn, int thread) {
      std::vector<float>& row = unpacked[static_cast<std::size_t>(thread)];
      const std::size_t end = std::min(count, (turn + 1) * kRowsPerTurn);
      for (std::size_t r = turn * kRowsPerTurn; r < end; ++r) {
        const std::size_t from = source_row(tensor, first + r);
        dequantize(tensor.matrix.type, tensor.matrix.row(from), row);
        if (tensor.lora.rank > 0) add_lora(tensor.lora, from, row);
        pack(tensor, row, std::span(packed).subspan(r * row_bytes, row_bytes));
      }
    });
    sink(std::span(packed).first(count * row_bytes));
    if (tensor.order == RowOrder::kAsTheyAre) {  // an embedding is larger than all layers
      TensorView done = tensor.matrix;
      done.data = done.data.first((first + count) * byte_size(done.type, columns));
      model.release(done);
    }
  }
  model.release(tensor.matrix);
}

}  // namespace tome
