// How well a model predicts each token of a text.
#pragma once

#include <span>
#include <vector>

#include "model/forward.h"
#include "model/kv_sequence.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace tome {

struct LossOptions {
  Precision precision = Precision::kInt8;
  ops::KvType kv = ops::KvType::kNative;
  bool float32 = false;  // activations; kv must be native then
  std::span<const LayerAdapter> adapters;
};

/// -ln p of each token of `ids` but the first, given those before it: one pass, nothing kept on disk.
std::vector<double> text_losses(const Model& model, Threads& threads, const LossOptions& options,
                                std::span<const TokenId> ids);

}  // namespace tome
