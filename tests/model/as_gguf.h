// For the tests of model: a tiny model's folder rewritten as GGUF, as llama.cpp's converter does.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "formats/gguf_writer.h"
#include "tiny_models.h"

namespace tome {

/// Rows of q or k as llama.cpp's converter orders them: a head's halves become pairs.
inline std::vector<float> as_pairs(const std::vector<float>& rows, std::size_t head_width, std::size_t columns) {
  std::vector<float> out(rows.size());
  for (std::size_t row = 0; row < rows.size() / columns; ++row) {
    const std::size_t in_head = row % head_width;
    const std::size_t to = row - in_head + 2 * (in_head % (head_width / 2)) + in_head / (head_width / 2);
    std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(row * columns), columns,
                out.begin() + static_cast<std::ptrdiff_t>(to * columns));
  }
  return out;
}

/// A tiny model's folder as a GGUF file.
class AsGguf {
 public:
  AsGguf(const Model& model, const std::string& name)
      : config_(model.config()), source_(tiny_folder(name) / "model.safetensors"), writer_(path()) {
    const bool gemma = config_.family == Family::kGemma3;
    architecture_ = gemma ? "gemma3" : "llama";
    add_metadata();
    const auto d = config_.width, q = config_.heads * config_.head_width, k = config_.kv_heads * config_.head_width,
               f = config_.feed_forward;
    add("token_embd", "model.embed_tokens", {config_.vocabulary, d});
    add("output_norm", "model.norm", {d});
    for (std::size_t i = 0; i < config_.layers; ++i) {
      const std::string to = cat("blk.", i, "."), from = cat("model.layers.", i, ".");
      add(to + "attn_norm", from + "input_layernorm", {d});
      add(to + "attn_q", from + "self_attn.q_proj", {q, d});
      add(to + "attn_k", from + "self_attn.k_proj", {k, d});
      add(to + "attn_v", from + "self_attn.v_proj", {k, d});
      add(to + "attn_output", from + "self_attn.o_proj", {d, q});
      add(to + "ffn_gate", from + "mlp.gate_proj", {f, d});
      add(to + "ffn_up", from + "mlp.up_proj", {f, d});
      add(to + "ffn_down", from + "mlp.down_proj", {d, f});
      add(to + "ffn_norm", from + (gemma ? "pre_feedforward_layernorm" : "post_attention_layernorm"), {d});
      if (!gemma) continue;
      add(to + "attn_q_norm", from + "self_attn.q_norm", {config_.head_width});
      add(to + "attn_k_norm", from + "self_attn.k_norm", {config_.head_width});
      add(to + "post_attention_norm", from + "post_attention_layernorm", {d});
      add(to + "post_ffw_norm", from + "post_feedforward_layernorm", {d});
    }
    for (const auto& [tensor, data] : data_) writer_.write(tensor, std::as_bytes(std::span(data)));
    writer_.finish();
  }
  std::filesystem::path path() const { return scratch_.path() / "model.gguf"; }

 private:
  void key(const std::string& name, std::size_t value) {
    writer_.add(architecture_ + "." + name, static_cast<std::uint32_t>(value));
  }
  void add_metadata() {
    writer_.add("general.architecture", std::string_view(architecture_));
    key("block_count", config_.layers);
    key("context_length", static_cast<std::size_t>(config_.context_length));
    key("embedding_length", config_.width);
    key("feed_forward_length", config_.feed_forward);
    key("attention.head_count", config_.heads);
    key("attention.head_count_kv", config_.kv_heads);
    key("attention.key_length", config_.head_width);
    key("attention.value_length", config_.head_width);
    writer_.add(architecture_ + ".attention.layer_norm_rms_epsilon", config_.norm_epsilon);
    writer_.add(architecture_ + ".rope.freq_base", static_cast<float>(config_.rope_theta));
    if (config_.family == Family::kGemma3) {
      key("attention.sliding_window", static_cast<std::size_t>(config_.sliding_window));
    } else {
      key("rope.dimension_count", config_.head_width);
    }
    const std::vector<std::string_view> tokens(config_.vocabulary, "token");
    writer_.add_array("tokenizer.ggml.tokens", std::span(tokens));
  }
  void add(const std::string& to, const std::string& from, const std::vector<std::size_t>& shape) {
    std::vector<float> data = numbers<float>(source_, from + ".weight");
    const bool gemma = config_.family == Family::kGemma3;
    if (gemma && shape.size() == 1) {
      for (float& v : data) v += 1;
    }
    if (!gemma && (to.ends_with("attn_q") || to.ends_with("attn_k")))
      data = as_pairs(data, config_.head_width, shape[1]);
    writer_.add_tensor(to + ".weight", TensorType::kF32, shape);
    data_.emplace_back(to + ".weight", std::move(data));
  }

  Scratch scratch_;
  ModelConfig config_;
  SafetensorsFile source_;
  GgufWriter writer_;
  std::string architecture_;
  std::vector<std::pair<std::string, std::vector<float>>> data_;
};

}  // namespace tome
