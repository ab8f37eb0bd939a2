#include "model/model.h"

#include <xxhash.h>

#include <algorithm>

#include "base/error.h"

namespace tome {
namespace {

// Where a layer's tensors are called by both formats; an empty name: the family has none.
struct LayerNames {
  std::array<std::string, kMatrices.size()> matrices;
  std::string attention_norm, feed_forward_norm, query_norm, key_norm, post_attention_norm, post_feed_forward_norm;
};

LayerNames gguf_names(std::size_t layer, bool gemma) {
  const std::string p = cat("blk.", layer, ".");
  LayerNames names{{p + "attn_q.weight", p + "attn_k.weight", p + "attn_v.weight", p + "attn_output.weight",
                    p + "ffn_gate.weight", p + "ffn_up.weight", p + "ffn_down.weight"},
                   p + "attn_norm.weight",
                   p + "ffn_norm.weight",
                   "",
                   "",
                   "",
                   ""};
  if (gemma) {
    names.query_norm = p + "attn_q_norm.weight";
    names.key_norm = p + "attn_k_norm.weight";
    names.post_attention_norm = p + "post_attention_norm.weight";
    names.post_feed_forward_norm = p + "post_ffw_norm.weight";
  }
  return names;
}

LayerNames folder_names(std::size_t layer, bool gemma) {
  const std::string p = cat("model.layers.", layer, ".");
  LayerNames names{
      {p + "self_attn.q_proj.weight", p + "self_attn.k_proj.weight", p + "self_attn.v_proj.weight",
       p + "self_attn.o_proj.weight", p + "mlp.gate_proj.weight", p + "mlp.up_proj.weight", p + "mlp.down_proj.weight"},
      p + "input_layernorm.weight",
      p + "post_attention_layernorm.weight",
      "",
      "",
      "",
      ""};
  if (gemma) {
    names.feed_forward_norm = p + "pre_feedforward_layernorm.weight";
    names.query_norm = p + "self_attn.q_norm.weight";
    names.key_norm = p + "self_attn.k_norm.weight";
    names.post_attention_norm = p + "post_attention_layernorm.weight";
    names.post_feed_forward_norm = p + "post_feedforward_layernorm.weight";
  }
  return names;
}

std::vector<float> read_vector(const TensorView& tensor) {
  std::vector<float> values(tensor.values());
  dequantize(tensor.type, tensor.data, values);
  return values;
}

template <typename Find>
LayerWeights load_layer(const LayerNames& names, const Find& find, float norm_offset) {
  LayerWeights layer;
  for (std::size_t m = 0; m < kMatrices.size(); ++m) layer.matrices[m] = find(names.matrices[m]);
  const auto norm = [&](const std::string& name) {
    std::vector<float> values;
    if (name.empty()) return values;
    values = read_vector(find(name));
    for (float& v : values) v += norm_offset;
    return values;
  };
  layer.attention_norm = norm(names.attention_norm);
  layer.feed_forward_norm = norm(names.feed_forward_norm);
  layer.query_norm = norm(names.query_norm);
  layer.key_norm = norm(names.key_norm);
  layer.post_attention_norm = norm(names.post_attention_norm);
  layer.post_feed_forward_norm = norm(names.post_feed_forward_norm);
  return layer;
}

void check_shape(const std::filesystem::path& path, const TensorView& tensor, std::size_t rows, std::size_t columns) {
  if (tensor.rows() == rows && tensor.columns() == columns) return;
  throw_user_error(path.string(), ": tensor ", tensor.name, " has shape [", tensor.rows(), ", ", tensor.columns(),
                   "], expected [", rows, ", ", columns, "]");
}

void check_vector(const std::filesystem::path& path, const std::vector<float>& values, std::size_t size) {
  if (!values.empty() && values.size() != size) {
    throw_user_error(path.string(), ": a norm has ", values.size(), " weights, expected ", size);
  }
}

void check_layer(const std::filesystem::path& path, const ModelConfig& c, const LayerWeights& layer) {
  const std::size_t q = c.heads * c.head_width;
  const std::size_t k = c.kv_heads * c.head_width;
  check_shape(path, layer[Matrix::kQuery], q, c.width);
  check_shape(path, layer[Matrix::kKey], k, c.width);
  check_shape(path, layer[Matrix::kValue], k, c.width);
  check_shape(path, layer[Matrix::kOutput], c.width, q);
  check_shape(path, layer[Matrix::kGate], c.feed_forward, c.width);
  check_shape(path, layer[Matrix::kUp], c.feed_forward, c.width);
  check_shape(path, layer[Matrix::kDown], c.width, c.feed_forward);
  for (const auto* norm :
       {&layer.attention_norm, &layer.feed_forward_norm, &layer.post_attention_norm, &layer.post_feed_forward_norm}) {
    check_vector(path, *norm, c.width);
  }
  check_vector(path, layer.query_norm, c.head_width);
  check_vector(path, layer.key_norm, c.head_width);
}

}  // namespace

Model::Model(const std::filesystem::path& path) : path_(path) {
  if (std::filesystem::is_directory(path)) {
    load_folder();
  } else {
    load_gguf();
  }
  check_shape(path_, embedding_, config_.vocabulary, config_.width);
  check_shape(path_, output_, config_.vocabulary, config_.width);
  check_vector(path_, output_norm_, config_.width);
  for (const LayerWeights& layer : layers_) check_layer(path_, config_, layer);
}

void Model::load_gguf() {
  gguf_ = std::make_unique<GgufFile>(path_);
  config_ = read_config(*gguf_);
  const auto find = [&](const std::string& name) -> const TensorView& {
    const TensorView* tensor = gguf_->find_tensor(name);
    if (tensor == nullptr) throw_user_error(path_.string(), ": tensor ", name, " is missing; is the download whole?");
    return *tensor;
  };
  embedding_ = find("token_embd.weight");
  output_ = config_.tied_output ? embedding_ : find("output.weight");
  output_norm_ = read_vector(find("output_norm.weight"));
  for (std::size_t i = 0; i < config_.layers; ++i) {
    layers_.push_back(load_layer(gguf_names(i, config_.family == Family::kGemma3), find, 0));
  }
}

void Model::load_folder() {
  config_ = read_config(path_ / "config.json");
  folder_ = std::make_unique<SafetensorsFolder>(path_);
  // Multimodal checkpoints put the text model one level down.
  const auto find = [&](const std::string& name) -> const TensorView& {
    for (const char* prefix : {"", "language_model."}) {
      if (const TensorView* tensor = folder_->find_tensor(prefix + name)) return *tensor;
    }
    throw_user_error(path_.string(), ": tensor ", name, " is missing; is the download whole?");
  };
  const bool gemma = config_.family == Family::kGemma3;
  const float norm_offset = gemma ? 1.0f : 0.0f;  // safetensors of Gemma keep weight, the norm multiplies by 1 + weight
  embedding_ = find("model.embed_tokens.weight");
  output_ = config_.tied_output ? embedding_ : find("lm_head.weight");
  output_norm_ = read_vector(find("model.norm.weight"));
  for (float& v : output_norm_) v += norm_offset;
  for (std::size_t i = 0; i < config_.layers; ++i)
    layers_.push_back(load_layer(folder_names(i, gemma), find, norm_offset));
}

void Model::release(const TensorView& tensor) const {
  if (gguf_) {
    gguf_->file().release(tensor.data);
  } else if (!folder_->files().empty()) {
    folder_->files().front().file().release(tensor.data);
  }
}

void Model::release_layer(std::size_t index) const {
  for (const TensorView& tensor : layers_[index].matrices) release(tensor);
}

std::size_t Model::file_bytes() const {
  if (gguf_) return gguf_->file().bytes().size();
  std::size_t total = 0;
  for (const SafetensorsFile& file : folder_->files()) total += file.file().bytes().size();
  return total;
}

std::uint64_t Model::fingerprint() const {
  XXH3_state_t* state = XXH3_createState();
  XXH3_64bits_reset(state);
  const auto add = [&](const TensorView& tensor) {
    constexpr std::size_t kSample = 256;
    XXH3_64bits_update(state, tensor.name.data(), tensor.name.size());
    const std::size_t n = std::min(kSample, tensor.data.size());
    XXH3_64bits_update(state, tensor.data.data(), n);
    XXH3_64bits_update(state, tensor.data.data() + tensor.data.size() / 2 / kSample * kSample,
                       std::min(n, tensor.data.size() - tensor.data.size() / 2 / kSample * kSample));
    XXH3_64bits_update(state, tensor.data.data() + tensor.data.size() - n, n);
    release(tensor);  // the system has mapped more than was read
  };
  const auto add_norm = [&](const std::vector<float>& norm) {
    XXH3_64bits_update(state, norm.data(), norm.size() * sizeof(float));
  };
  add(embedding_);
  add(output_);
  for (const LayerWeights& layer : layers_) {
    for (const TensorView& tensor : layer.matrices) add(tensor);
    for (const auto* norm : {&layer.attention_norm, &layer.feed_forward_norm, &layer.query_norm, &layer.key_norm,
                             &layer.post_attention_norm, &layer.post_feed_forward_norm}) {
      add_norm(*norm);
    }
  }
  add_norm(output_norm_);
  // RoPE is not here: its settings may be changed after this, and belong to a reading's own key.
  const ModelConfig& c = config_;
  const double numbers[] = {
      static_cast<double>(file_bytes()),      static_cast<double>(c.family == Family::kGemma3),
      static_cast<double>(c.heads),           static_cast<double>(c.kv_heads),
      static_cast<double>(c.head_width),      static_cast<double>(c.norm_epsilon),
      static_cast<double>(c.sliding_window),  static_cast<double>(c.rope_layout == RopeLayout::kPairs),
      static_cast<double>(c.attention_scale), static_cast<double>(c.embedding_scale)};
  XXH3_64bits_update(state, numbers, sizeof numbers);
  for (std::size_t i = 0; i < c.layers; ++i) {
    const bool sliding = c.is_sliding(i);
    XXH3_64bits_update(state, &sliding, sizeof sliding);
  }
  const std::uint64_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return hash;
}

}  // namespace tome
