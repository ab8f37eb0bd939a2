// What a model is made of: shapes and constants, read from a GGUF file or a Hugging Face config.json.
// Letters used all over model/: T tokens, D width, H heads, K kv heads, C head width, F feed-forward, V vocabulary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "formats/gguf.h"
#include "model/rope.h"

namespace tome {

enum class Family { kLlama, kGemma3 };

/// Which numbers of a head RoPE rotates together. llama.cpp's converter reorders Llama's q and k rows into pairs.
enum class RopeLayout { kHalves, kPairs };

struct ModelConfig {
  Family family = Family::kLlama;
  std::string name;  // as the file has it; for people
  std::size_t layers = 0, width = 0, heads = 0, kv_heads = 0, head_width = 0, feed_forward = 0, vocabulary = 0;
  float norm_epsilon = 0;
  std::int64_t context_length = 0;  // tokens the model was made for (its own scaling included)
  std::int64_t sliding_window = 0;  // keys that a sliding layer sees, itself included; 0: no such layers
  std::vector<bool> sliding;        // [layers]: true where the layer slides
  double rope_theta = 0;            // of global layers
  double rope_theta_sliding = 0;    // of sliding layers, never scaled
  RopeScaling rope_scaling;         // of global layers
  RopeLayout rope_layout = RopeLayout::kHalves;
  float attention_scale = 0;  // of the scores
  float embedding_scale = 1;  // embeddings are multiplied by it (Gemma: sqrt(D))
  bool tied_output = false;   // the output matrix is the embedding

  bool is_sliding(std::size_t layer) const { return sliding_window > 0 && sliding[layer]; }
  /// Numbers in all matrices of the layers (without embedding and output), for FLOP counts.
  std::size_t layer_parameters() const;
};

/// From metadata and tensor shapes. Throws UserError naming file and key for an unknown architecture, a missing key, an
/// implausible value, or any key (of the model's own "<architecture>." group) that this program does not know and that
/// might change the mathematics; and for tensors that no layer uses (biases, experts).
ModelConfig read_config(const GgufFile& gguf);
/// From config.json, in the spellings of transformers 4 and 5; the same strictness.
ModelConfig read_config(const std::filesystem::path& config_json);

/// Sets the scaling asked for (and context_length with it), or the one that suits `context` tokens (0: not stated):
/// none inside the model's window, else the file's own further on, or linear for Gemma's global layers and YaRN for
/// Llama. Returns one line for the user, empty when nothing changed. Throws UserError when what was asked for reaches
/// fewer tokens than `context`.
std::string stretch_context(ModelConfig& config, std::int64_t context, const std::string& scaling_flag);

}  // namespace tome
