// The tensors of a model on their way into another file: unpacked, an adapter added, packed again, a few rows at a
// time.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/threads.h"
#include "model/adapter.h"
#include "model/model.h"

namespace tome {

enum class RowOrder { kAsTheyAre, kPairsFromHalves, kHalvesFromPairs };

/// One tensor of the new file: a matrix of the model, or a vector.
struct ExportTensor {
  std::string name;
  std::vector<std::size_t> shape;
  TensorType type = TensorType::kF32;
  TensorView matrix;  // [out][in]; no data: a vector
  LoraPair lora;      // rank 0: none
  RowOrder order = RowOrder::kAsTheyAre;
  std::size_t head_width = 0;  // of `order`
  std::vector<float> vector;   // as it is to be written
};

/// The type of a matrix with rows of `columns` in a file of type `wanted`: as wanted where whole blocks fit; under Q4_K
/// else Q5_0; F16 where no block fits. `is_output`: the output matrix, which 4-bit files keep in Q6_K or Q8_0, as
/// llama.cpp does.
TensorType matrix_type(TensorType wanted, std::size_t columns, bool is_output);

/// All tensors of a model as GGUF or as a Hugging Face folder has them: names, row order, what norms store. `adapter`:
/// null, or pairs to be added; its norms and embeddings must be the model's already (use_trained_weights).
std::vector<ExportTensor> gguf_tensors(const Model& model, const Adapter* adapter, TensorType type);
std::vector<ExportTensor> folder_tensors(const Model& model, const Adapter* adapter, TensorType type);

/// Gives the tensor's bytes to `sink`, in order. Throws UserError naming the tensor when a number does not fit its
/// type.
void stream_tensor(const ExportTensor& tensor, const Model& model, Threads& threads,
                   const std::function<void(std::span<const std::byte>)>& sink);

}  // namespace tome
