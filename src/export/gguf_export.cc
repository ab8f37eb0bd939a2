#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "export/export.h"
#include "export/tokenizer_gguf.h"
#include "export/weights.h"
#include "formats/gguf_writer.h"
#include "model/rope_parameters.h"
#include "model/row_order.h"
#include "model/tensor_names.h"

namespace tome {
namespace {

constexpr std::uint32_t kQuantizationVersion = 2;

/// llama.cpp's llama_ftype.
std::uint32_t file_type(TensorType type) {
  switch (type) {
    case TensorType::kF32:
      return 0;
    case TensorType::kF16:
      return 1;
    case TensorType::kQ4_0:
      return 2;
    case TensorType::kQ4_1:
      return 3;
    case TensorType::kQ8_0:
      return 7;
    case TensorType::kQ4_K:
      return 14;
    default:
      return 32;  // BF16
  }
}

class Keys {
 public:
  Keys(GgufWriter& writer, Family family)
      : writer_(writer), architecture_(family == Family::kGemma3 ? "gemma3" : "llama") {}

  const std::string& architecture() const { return architecture_; }
  void size(const std::string& key, std::size_t value) {
    writer_.add(architecture_ + "." + key, static_cast<std::uint32_t>(value));
  }
  void number(const std::string& key, double value) {
    writer_.add(architecture_ + "." + key, static_cast<float>(value));
  }
  void text(const std::string& key, std::string_view value) { writer_.add(architecture_ + "." + key, value); }
  void flags(const std::string& key, const std::vector<bool>& values) {
    const auto list = std::make_unique<bool[]>(values.size());
    std::copy(values.begin(), values.end(), list.get());
    writer_.add_array(architecture_ + "." + key, std::span<const bool>(list.get(), values.size()));
  }

 private:
  GgufWriter& writer_;
  std::string architecture_;
};

void add_yarn(Keys& keys, const ModelConfig& config) {
  const RopeScaling& scaling = config.rope_scaling;
  if (!scaling.truncate) throw_user_error("RoPE scaling yarn with truncate false cannot be said in GGUF");
  keys.text("rope.scaling.type", "yarn");
  keys.number("rope.scaling.factor", scaling.factor);
  keys.size("rope.scaling.original_context_length", static_cast<std::size_t>(scaling.original_context));
  if (scaling.beta_fast != 32) keys.number("rope.scaling.yarn_beta_fast", scaling.beta_fast);
  if (scaling.beta_slow != 1) keys.number("rope.scaling.yarn_beta_slow", scaling.beta_slow);
  // llama.cpp multiplies the paper's factor by this one.
  const Rope rope(config.head_width, config.rope_theta, scaling);
  const double factor = static_cast<double>(rope.attention_factor()) / (0.1 * std::log(scaling.factor) + 1);
  if (std::fabs(factor - 1) > 1e-6) keys.number("rope.scaling.attn_factor", factor);
}

void add_rope(Keys& keys, const ModelConfig& config) {
  keys.number("rope.freq_base", stretched_theta(config));
  if (config.family == Family::kLlama) keys.size("rope.dimension_count", config.head_width);
  switch (config.rope_scaling.kind) {
    case RopeKind::kLinear:
      keys.text("rope.scaling.type", "linear");
      keys.number("rope.scaling.factor", config.rope_scaling.factor);
      return;
    case RopeKind::kYarn:
      add_yarn(keys, config);
      return;
    case RopeKind::kDynamicNtk:
      throw_user_error("RoPE scaling dynamic changes with a text's length, which GGUF cannot say; write a folder, or ",
                       "choose --rope-scaling ntk or yarn");
    default:
      return;  // fixed NTK is in the base, llama3 in rope_freqs.weight
  }
}

void add_sliding_window(Keys& keys, const ModelConfig& config) {
  constexpr std::size_t kPeriod = 6;
  keys.size("attention.sliding_window", static_cast<std::size_t>(config.sliding_window));
  if (config.rope_theta_sliding != 1e4) keys.number("rope.freq_base_swa", config.rope_theta_sliding);
  bool usual = true;
  for (std::size_t i = 0; i < config.layers; ++i) usual = usual && config.sliding[i] == ((i + 1) % kPeriod != 0);
  if (!usual) keys.flags("attention.sliding_window_pattern", config.sliding);
}

void add_shape(Keys& keys, const ModelConfig& config) {
  keys.size("block_count", config.layers);
  keys.size("context_length", static_cast<std::size_t>(config.context_length));
  keys.size("embedding_length", config.width);
  keys.size("feed_forward_length", config.feed_forward);
  keys.size("attention.head_count", config.heads);
  keys.size("attention.head_count_kv", config.kv_heads);
  keys.size("attention.key_length", config.head_width);
  keys.size("attention.value_length", config.head_width);
  keys.number("attention.layer_norm_rms_epsilon", static_cast<double>(config.norm_epsilon));
  if (config.family == Family::kLlama) keys.size("vocab_size", config.vocabulary);
}

/// The source's own general.* and tokenizer.* keys, without those that speak of its tensors.
void copy_keys(GgufWriter& writer, const GgufFile& source) {
  for (const auto& [key, value] : source.metadata()) {
    const bool wanted = key.starts_with("general.") || key.starts_with("tokenizer.");
    const bool ours = key == "general.architecture" || key == "general.file_type" ||
                      key == "general.quantization_version" || key == "general.alignment";
    if (wanted && !ours) writer.add_encoded(key, source.encoded(key));
  }
}

}  // namespace

void export_gguf(const Model& model, const Adapter* adapter, Threads& threads, const ExportOptions& options) {
  const ModelConfig& config = model.config();
  GgufWriter writer(options.out);
  Keys keys(writer, config.family);
  writer.add("general.architecture", std::string_view(keys.architecture()));
  writer.add("general.file_type", file_type(options.type));
  writer.add("general.quantization_version", kQuantizationVersion);
  add_shape(keys, config);
  add_rope(keys, config);
  if (config.family == Family::kGemma3) add_sliding_window(keys, config);
  if (model.gguf() != nullptr) {
    copy_keys(writer, *model.gguf());
  } else {
    writer.add("general.name", std::string_view(config.name));
    add_tokenizer_keys(writer, model.path(), config);
  }
  const std::vector<ExportTensor> tensors = gguf_tensors(model, adapter, options.type);
  for (const ExportTensor& tensor : tensors) writer.add_tensor(tensor.name, tensor.type, tensor.shape);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    stream_tensor(tensors[i], model, threads,
                  [&](std::span<const std::byte> part) { writer.write(tensors[i].name, part); });
    if (options.progress) options.progress(i + 1, tensors.size());
  }
  writer.finish();
}

void export_gguf_lora(const Adapter& adapter, const ModelConfig& config, const std::filesystem::path& out) {
  const AdapterSettings& settings = adapter.settings();
  if (settings.norms || settings.embeddings) {
    throw_user_error("the adapter has trained norms or embeddings, which a GGUF LoRA file cannot hold; use tome merge");
  }
  GgufWriter writer(out);
  const bool gemma = config.family == Family::kGemma3;
  const bool reorders = !gemma && config.rope_layout == RopeLayout::kHalves;
  writer.add("general.architecture", std::string_view(gemma ? "gemma3" : "llama"));
  writer.add("general.type", std::string_view("adapter"));
  writer.add("general.file_type", file_type(TensorType::kF32));
  writer.add("general.quantization_version", kQuantizationVersion);
  writer.add("adapter.type", std::string_view("lora"));
  // llama.cpp scales by this / the pair's rank, whatever the training did.
  const float alpha = settings.scale() * static_cast<float>(settings.rank);
  writer.add("adapter.lora.alpha", alpha);
  struct Half {
    std::string name;
    std::vector<float> values;
  };
  std::vector<Half> halves;
  for (std::size_t layer = 0; layer < config.layers; ++layer) {
    for (const Matrix m : kMatrices) {
      const LoraPair& pair = adapter.layers()[layer][static_cast<std::size_t>(m)];
      if (pair.rank == 0) continue;
      const auto [rows, columns] = matrix_shape(config, m);
      const std::string name = cat("blk.", layer, ".", gguf_name(m), ".weight.lora_");
      writer.add_tensor(name + "a", TensorType::kF32, {pair.rank, columns});
      writer.add_tensor(name + "b", TensorType::kF32, {rows, pair.rank});
      halves.push_back({name + "a", {pair.a, pair.a + pair.rank * columns}});
      Half b{name + "b", {pair.b, pair.b + rows * pair.rank}};
      if (reorders && (m == Matrix::kQuery || m == Matrix::kKey)) {
        for (std::size_t row = 0; row < rows; ++row) {
          std::copy_n(pair.b + row_in_halves(row, config.head_width) * pair.rank, pair.rank,
                      b.values.data() + row * pair.rank);
        }
      }
      if (adapter.place(layer, m).pair != PairSettings{settings.rank, settings.alpha}) {
        for (float& v : b.values) v *= pair.scale * static_cast<float>(pair.rank) / alpha;
      }
      halves.push_back(std::move(b));
    }
  }
  for (const Half& half : halves) writer.write(half.name, std::as_bytes(std::span(half.values)));
  writer.finish();
}

}  // namespace tome
