// What the forward pass keeps of each layer for the backward pass, and where it lies in a layer's slot.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "model/decoder_layer.h"

namespace tome {

enum class Keep {
  kInput,      // the layer's input: everything is computed again
  kAttention,  // also attention's output and log-sum-exp: attention is not
  kAll,        // also queries, keys, values and the feed-forward's inputs: no product is, but the two before Gemma's
               // norms after its branches
};

std::string_view to_string(Keep keep);
/// "input", "attention" or "all". Throws UserError naming them.
Keep parse_keep(const std::string& name);

/// Offsets in bytes of the parts of one layer's slot for `tokens` rows of T; a part that is not kept has no bytes.
template <typename T>
class SlotShape {
 public:
  SlotShape(const ModelConfig& config, std::size_t tokens, Keep keep);

  std::size_t bytes() const { return bytes_; }
  T* input(std::byte* slot) const { return reinterpret_cast<T*>(slot); }
  /// The parts beside the input; null where not kept.
  LayerTape<T> tape(std::byte* slot) const;

 private:
  std::size_t add(std::size_t part_bytes);

  Keep keep_;
  std::size_t bytes_ = 0;
  std::size_t attention_ = 0, log_sum_exp_ = 0, q_ = 0, k_ = 0, v_ = 0, hidden_ = 0, gate_ = 0, up_ = 0;
};

}  // namespace tome
