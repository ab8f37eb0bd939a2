// Tiny GGUF models of both families, to be changed before they are written.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "formats/files.h"
#include "formats/gguf_writer.h"

namespace tome {

/// A GGUF file that a test changes before it is written: metadata and tensors (all F32, zero but for `first`).
struct Draft {
  using Value = std::variant<std::uint32_t, float, bool, std::string_view, std::vector<bool>>;
  std::map<std::string, Value> keys;
  std::map<std::string, std::vector<std::size_t>> tensors;
  std::map<std::string, float> fill;

  std::filesystem::path write(const Scratch& scratch) const {
    const std::filesystem::path path = scratch.path() / "model.gguf";
    std::filesystem::remove(path);
    GgufWriter writer(path);
    const std::vector<std::string_view> tokens(7, "token");
    writer.add_array("tokenizer.ggml.tokens", std::span(tokens));
    for (const auto& [key, value] : keys) {
      if (const auto* flags = std::get_if<std::vector<bool>>(&value)) {
        std::vector<std::byte> bytes = encoded(*flags);
        writer.add_encoded(key, bytes);
      } else {
        std::visit([&](const auto& v) { add(writer, key, v); }, value);
      }
    }
    for (const auto& [name, shape] : tensors) writer.add_tensor(name, TensorType::kF32, shape);
    for (const auto& [name, shape] : tensors) {
      std::size_t values = 1;
      for (const std::size_t extent : shape) values *= extent;
      const auto filled = fill.find(name);
      const std::vector<float> data(values, filled == fill.end() ? 0.0f : filled->second);
      writer.write(name, std::as_bytes(std::span(data)));
    }
    writer.finish();
    return path;
  }

 private:
  template <typename T>
  static void add(GgufWriter& writer, const std::string& key, const T& value) {
    if constexpr (!std::is_same_v<T, std::vector<bool>>) writer.add(key, value);
  }
  /// Type 9 (array) of type 7 (bool).
  static std::vector<std::byte> encoded(const std::vector<bool>& flags) {
    const std::uint32_t types[] = {9, 7};
    const std::uint64_t count = flags.size();
    std::vector<std::byte> bytes(sizeof types + sizeof count);
    std::memcpy(bytes.data(), types, sizeof types);
    std::memcpy(bytes.data() + sizeof types, &count, sizeof count);
    for (const bool flag : flags) bytes.push_back(std::byte{flag});
    return bytes;
  }
};

inline void add_layers(Draft& draft, std::size_t layers,
                       const std::map<std::string, std::vector<std::size_t>>& of_layer) {
  for (std::size_t layer = 0; layer < layers; ++layer) {
    for (const auto& [name, shape] : of_layer) draft.tensors[cat("blk.", layer, ".", name, ".weight")] = shape;
  }
}

/// V 7, D 8, H 2, K 1, C 4, F 12, two layers.
inline Draft llama() {
  Draft draft;
  draft.keys = {{"general.architecture", "llama"},
                {"general.name", "Tiny\nllama"},
                {"llama.block_count", 2u},
                {"llama.context_length", 64u},
                {"llama.embedding_length", 8u},
                {"llama.feed_forward_length", 12u},
                {"llama.attention.head_count", 2u},
                {"llama.attention.head_count_kv", 1u},
                {"llama.attention.layer_norm_rms_epsilon", 1e-5f},
                {"llama.rope.freq_base", 5e5f},
                {"llama.rope.dimension_count", 4u},
                {"llama.vocab_size", 7u}};
  draft.tensors = {{"token_embd.weight", {7, 8}}, {"output_norm.weight", {8}}};
  add_layers(draft, 2,
             {{"attn_norm", {8}},
              {"attn_q", {8, 8}},
              {"attn_k", {4, 8}},
              {"attn_v", {4, 8}},
              {"attn_output", {8, 8}},
              {"ffn_norm", {8}},
              {"ffn_gate", {12, 8}},
              {"ffn_up", {12, 8}},
              {"ffn_down", {8, 12}}});
  return draft;
}

/// D 8, H 2, K 1, C 6, seven layers.
inline Draft gemma3(std::size_t layers = 7) {
  Draft draft;
  draft.keys = {{"general.architecture", "gemma3"},       {"gemma3.block_count", static_cast<std::uint32_t>(layers)},
                {"gemma3.context_length", 64u},           {"gemma3.embedding_length", 8u},
                {"gemma3.feed_forward_length", 12u},      {"gemma3.attention.head_count", 2u},
                {"gemma3.attention.head_count_kv", 1u},   {"gemma3.attention.key_length", 6u},
                {"gemma3.attention.value_length", 6u},    {"gemma3.attention.layer_norm_rms_epsilon", 1e-6f},
                {"gemma3.attention.sliding_window", 16u}, {"gemma3.rope.freq_base", 1e6f}};
  draft.tensors = {{"token_embd.weight", {7, 8}}, {"output_norm.weight", {8}}};
  add_layers(draft, layers,
             {{"attn_norm", {8}},
              {"attn_q", {12, 8}},
              {"attn_k", {6, 8}},
              {"attn_v", {6, 8}},
              {"attn_output", {8, 12}},
              {"attn_q_norm", {6}},
              {"attn_k_norm", {6}},
              {"post_attention_norm", {8}},
              {"ffn_norm", {8}},
              {"ffn_gate", {12, 8}},
              {"ffn_up", {12, 8}},
              {"ffn_down", {8, 12}},
              {"post_ffw_norm", {8}}});
  return draft;
}

}  // namespace tome
