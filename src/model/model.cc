#include "model/model.h"

#include <xxhash.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "base/error.h"
#include "model/tensor_names.h"

namespace tome {
namespace {

std::vector<float> read_vector(const TensorView& tensor) {
  std::vector<float> values(tensor.values());
  dequantize(tensor.type, tensor.data, values);
  return values;
}

/// `find_matrix(Matrix)` and `find_norm(Norm)` give the tensors; the latter null when the family has no such norm.
template <typename FindMatrix, typename FindNorm>
LayerWeights load_layer(const FindMatrix& find_matrix, const FindNorm& find_norm, float norm_offset) {
  LayerWeights layer;
  for (const Matrix m : kMatrices) layer.matrices[static_cast<std::size_t>(m)] = find_matrix(m);
  for (const Norm n : kNorms) {
    const TensorView* tensor = find_norm(n);
    if (tensor == nullptr) continue;
    layer[n] = read_vector(*tensor);
    for (float& v : layer[n]) v += norm_offset;
  }
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

const std::vector<float>& LayerWeights::operator[](Norm n) const {
  const std::array norms = {&attention_norm, &feed_forward_norm,   &query_norm,
                            &key_norm,       &post_attention_norm, &post_feed_forward_norm};
  return *norms[static_cast<std::size_t>(n)];
}

std::vector<float>& LayerWeights::operator[](Norm n) {
  return const_cast<std::vector<float>&>(std::as_const(*this)[n]);
}

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
    const auto named = [&](std::string_view name) -> const TensorView* {
      return name.empty() ? nullptr : &find(cat("blk.", i, ".", name, ".weight"));
    };
    layers_.push_back(load_layer([&](Matrix m) { return *named(gguf_name(m)); },
                                 [&](Norm n) { return named(gguf_name(n, config_.family)); }, 0));
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
  const float norm_offset = folder_norm_offset(config_.family);
  embedding_ = find("model.embed_tokens.weight");
  output_ = config_.tied_output ? embedding_ : find("lm_head.weight");
  output_norm_ = read_vector(find("model.norm.weight"));
  for (float& v : output_norm_) v += norm_offset;
  for (std::size_t i = 0; i < config_.layers; ++i) {
    const auto named = [&](std::string_view name) -> const TensorView* {
      return name.empty() ? nullptr : &find(cat("model.layers.", i, ".", name, ".weight"));
    };
    layers_.push_back(load_layer([&](Matrix m) { return *named(folder_name(m)); },
                                 [&](Norm n) { return named(folder_name(n, config_.family)); }, norm_offset));
  }
}

void Model::set_norm(std::size_t layer, Norm norm, std::span<const float> values) {
  std::vector<float>& weights = layers_[layer][norm];
  TOME_CHECK(weights.size() == values.size(), values.size());
  weights.assign(values.begin(), values.end());
}

void Model::set_output_norm(std::span<const float> values) {
  TOME_CHECK(output_norm_.size() == values.size(), values.size());
  output_norm_.assign(values.begin(), values.end());
}

void Model::set_embedding(std::span<const float> values) {
  TOME_CHECK(embedding_.values() == values.size(), values.size());
  embedding_.type = TensorType::kF32;
  embedding_.data = std::as_bytes(values);
  if (config_.tied_output) output_ = embedding_;
}

void Model::set_output(std::span<const float> values) {
  TOME_CHECK(!config_.tied_output && output_.values() == values.size(), values.size());
  output_.type = TensorType::kF32;
  output_.data = std::as_bytes(values);
}

void Model::release(const TensorView& tensor) const {
  const auto release_in = [&](const MappedFile& file) {
    const std::byte* begin = file.bytes().data();
    const std::less_equal<> not_after;
    const bool inside = not_after(begin, tensor.data.data()) &&
                        not_after(tensor.data.data() + tensor.data.size(), begin + file.bytes().size());
    if (inside) file.release(tensor.data);
  };
  if (gguf_) release_in(gguf_->file());
  if (folder_) {
    for (const SafetensorsFile& file : folder_->files()) release_in(file.file());
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
    for (const Norm n : kNorms) add_norm(layer[n]);
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
