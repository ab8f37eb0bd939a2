// Writing a model, with an adapter added or without, as a GGUF file or a Hugging Face folder; an adapter as GGUF LoRA.
#pragma once

#include <filesystem>
#include <functional>

#include "base/threads.h"
#include "model/adapter.h"
#include "model/model.h"

namespace tome {

struct ExportOptions {
  std::filesystem::path out;
  TensorType type = TensorType::kBF16;
  /// After each tensor: how many of how many are done. May be empty.
  std::function<void(std::size_t done, std::size_t all)> progress;
};

/// Writes `model` (its RoPE scaling as it is set) with `adapter` (null: none), whose norms and embeddings the model
/// must be using already. A few hundred rows are in memory at a time; a file appears only when it is whole. Tokenizer,
/// special tokens and chat template come along. Throws UserError for a setting that the format cannot say, and for what
/// the system refuses.
void export_gguf(const Model& model, const Adapter* adapter, Threads& threads, const ExportOptions& options);
/// F32, F16 or BF16 (another type is a UserError); norms are always F32. `options.out`: the folder, made if need be.
void export_folder(const Model& model, const Adapter* adapter, Threads& threads, const ExportOptions& options);

/// llama.cpp's LoRA file: general.type "adapter", tensors blk.N.*.weight.lora_a and .lora_b in F32. Throws UserError
/// when the adapter has norms or embeddings, which such a file cannot hold.
void export_gguf_lora(const Adapter& adapter, const ModelConfig& config, const std::filesystem::path& out);

}  // namespace tome
