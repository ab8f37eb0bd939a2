// A model's weights where they lie: mapped from a GGUF file or a Hugging Face folder, never copied whole.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "formats/gguf.h"
#include "formats/safetensors_folder.h"
#include "model/config.h"

namespace tome {

/// The linear layers of one decoder layer, in the order of their use.
enum class Matrix { kQuery, kKey, kValue, kOutput, kGate, kUp, kDown };
inline constexpr std::array kMatrices = {Matrix::kQuery, Matrix::kKey, Matrix::kValue, Matrix::kOutput,
                                         Matrix::kGate,  Matrix::kUp,  Matrix::kDown};

/// The norms that one decoder layer can have.
enum class Norm { kAttention, kFeedForward, kQuery, kKey, kPostAttention, kPostFeedForward };
inline constexpr std::array kNorms = {Norm::kAttention, Norm::kFeedForward,   Norm::kQuery,
                                      Norm::kKey,       Norm::kPostAttention, Norm::kPostFeedForward};

/// Numbers of a norm's weight, [C] or [D].
inline std::size_t norm_width(const ModelConfig& config, Norm n) {
  return n == Norm::kQuery || n == Norm::kKey ? config.head_width : config.width;
}

struct LayerWeights {
  std::array<TensorView, kMatrices.size()> matrices;               // [out][in]
  std::vector<float> attention_norm, feed_forward_norm;            // [D]
  std::vector<float> query_norm, key_norm;                         // [C]; empty: none (Llama)
  std::vector<float> post_attention_norm, post_feed_forward_norm;  // [D]; empty: none (Llama)

  const TensorView& operator[](Matrix m) const { return matrices[static_cast<std::size_t>(m)]; }
  const std::vector<float>& operator[](Norm n) const;
  std::vector<float>& operator[](Norm n);
};

class Model {
 public:
  /// A .gguf file or a folder with config.json and safetensors. Throws UserError naming what is missing or wrong.
  explicit Model(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  /// Settings may be changed (RoPE scaling) before the model is used.
  ModelConfig& config() { return config_; }
  const ModelConfig& config() const { return config_; }

  const TensorView& embedding() const { return embedding_; }  // [V][D]
  const TensorView& output() const { return output_; }        // [V][D]
  const std::vector<float>& output_norm() const { return output_norm_; }
  const LayerWeights& layer(std::size_t index) const { return layers_[index]; }

  /// Weights to be used instead of the file's own (trained norms and embeddings), as large as these. Norms are copied;
  /// embedding and output [V][D] are borrowed, and a tied output goes with the embedding.
  void set_norm(std::size_t layer, Norm norm, std::span<const float> values);
  void set_output_norm(std::span<const float> values);
  void set_embedding(std::span<const float> values);
  void set_output(std::span<const float> values);

  /// The file, when the model is a GGUF; else null.
  const GgufFile* gguf() const { return gguf_.get(); }
  /// Lets the system have mapped pages back; a tensor that is not in the file keeps its memory.
  void release_layer(std::size_t index) const;
  void release(const TensorView& tensor) const;
  /// A hash of everything that decides the model's numbers (sizes, metadata and a sample of every tensor).
  std::uint64_t fingerprint() const;
  std::size_t file_bytes() const;

 private:
  void load_gguf();
  void load_folder();

  std::filesystem::path path_;
  ModelConfig config_;
  std::unique_ptr<GgufFile> gguf_;
  std::unique_ptr<SafetensorsFolder> folder_;
  TensorView embedding_, output_;
  std::vector<float> output_norm_;
  std::vector<LayerWeights> layers_;
};

}  // namespace tome
