#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "base/error.h"
#include "base/mapped_file.h"
#include "export/export.h"
#include "export/tokenizer_folder.h"
#include "export/weights.h"
#include "formats/json.h"
#include "formats/new_file.h"
#include "formats/safetensors.h"
#include "model/rope_parameters.h"

namespace tome {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct TypeNames {
  const char* safetensors;
  const char* torch;
};

TypeNames type_names(TensorType type) {
  switch (type) {
    case TensorType::kF32:
      return {"F32", "float32"};
    case TensorType::kF16:
      return {"F16", "float16"};
    case TensorType::kBF16:
      return {"BF16", "bfloat16"};
    default:
      throw_user_error("--type ", info(type).name, ": a Hugging Face folder holds F32, F16 or BF16; for ",
                       info(type).name, " write a .gguf file");
  }
}

/// Token ids that generation needs: from the source's config.json, or its GGUF keys.
json special_ids(const Model& model) {
  json ids = json::object();
  if (model.gguf() == nullptr) {
    const MappedFile file(model.path() / "config.json");
    const json source = parse_json(file.bytes(), file.path().string(), 16);
    for (const char* key : {"bos_token_id", "eos_token_id", "pad_token_id"}) {
      if (source.contains(key)) ids[key] = source.at(key);
    }
    return ids;
  }
  const auto find = [&](const char* key) { return model.gguf()->find<std::int64_t>(key).value_or(-1); };
  if (const auto bos = find("tokenizer.ggml.bos_token_id"); bos >= 0) ids["bos_token_id"] = bos;
  if (const auto pad = find("tokenizer.ggml.padding_token_id"); pad >= 0) ids["pad_token_id"] = pad;
  const auto end = find("tokenizer.ggml.eos_token_id"), turn = find("tokenizer.ggml.eot_token_id");
  if (end >= 0) ids["eos_token_id"] = end;
  if (end >= 0 && turn >= 0 && turn != end) ids["eos_token_id"] = {end, turn};
  return ids;
}

json family_settings(const ModelConfig& config) {
  if (config.family == Family::kLlama) {
    return {{"architectures", {"LlamaForCausalLM"}},
            {"model_type", "llama"},
            {"hidden_act", "silu"},
            {"attention_bias", false},
            {"mlp_bias", false}};
  }
  json layer_types = json::array();
  for (std::size_t i = 0; i < config.layers; ++i) {
    layer_types.push_back(config.is_sliding(i) ? "sliding_attention" : "full_attention");
  }
  const auto scale = static_cast<double>(config.attention_scale);
  const auto scalar = static_cast<std::int64_t>(std::llround(1 / (scale * scale)));  // a whole number in every model
  return {{"architectures", {"Gemma3ForCausalLM"}},
          {"model_type", "gemma3_text"},
          {"hidden_activation", "gelu_pytorch_tanh"},
          {"attention_bias", false},
          {"query_pre_attn_scalar", scalar},
          {"sliding_window", config.sliding_window},
          {"layer_types", layer_types}};
}

std::string make_config(const Model& model, TensorType type) {
  const ModelConfig& config = model.config();
  json object = family_settings(config);
  object.update({{"hidden_size", config.width},
                 {"intermediate_size", config.feed_forward},
                 {"num_hidden_layers", config.layers},
                 {"num_attention_heads", config.heads},
                 {"num_key_value_heads", config.kv_heads},
                 {"head_dim", config.head_width},
                 {"vocab_size", config.vocabulary},
                 {"max_position_embeddings", max_positions(config)},
                 {"rms_norm_eps", std::stod(cat(config.norm_epsilon))},
                 {"tie_word_embeddings", config.tied_output},
                 {"rope_parameters", rope_parameters(config, model.path().string())},
                 {"dtype", type_names(type).torch}});
  object.update(special_ids(model));
  return object.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

/// The files of a folder, which appear together once all are whole.
class NewFolder {
 public:
  explicit NewFolder(const fs::path& path) : path_(path) {
    std::error_code error;
    made_ = fs::create_directories(path, error);
    if (error) throw_user_error("cannot make the folder ", path.string(), ": ", error.message());
  }
  ~NewFolder() {
    files_.clear();
    std::error_code ignored;
    if (made_ && !finished_) fs::remove(path_, ignored);
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  NewFile& add(const std::string& name) { return *files_.emplace_back(std::make_unique<NewFile>(path_ / name)); }
  void finish() {
    for (const auto& file : files_) file->finish();
    finished_ = true;
  }

 private:
  fs::path path_;
  bool made_ = false, finished_ = false;
  std::vector<std::unique_ptr<NewFile>> files_;
};

void write_tokenizer(const Model& model, NewFolder& folder) {
  if (model.gguf() != nullptr) {
    const TokenizerFiles files = make_tokenizer_files(*model.gguf());
    folder.add("tokenizer.json").write(files.tokenizer_json);
    folder.add("tokenizer_config.json").write(files.tokenizer_config_json);
    return;
  }
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "tokenizer.model",
                           "chat_template.jinja", "generation_config.json"}) {
    if (!fs::exists(model.path() / name)) continue;
    const MappedFile file(model.path() / name);
    folder.add(name).write(file.bytes());
  }
}

}  // namespace

void export_folder(const Model& model, const Adapter* adapter, Threads& threads, const ExportOptions& options) {
  const TypeNames names = type_names(options.type);
  const std::string config = make_config(model, options.type);
  NewFolder folder(options.out);
  folder.add("config.json").write(config);
  write_tokenizer(model, folder);
  NewFile& weights = folder.add("model.safetensors");
  const std::vector<ExportTensor> tensors = folder_tensors(model, adapter, options.type);
  std::vector<SafetensorsEntry> entries;
  for (const ExportTensor& tensor : tensors) {
    std::size_t values = 1;
    for (const std::size_t extent : tensor.shape) values *= extent;
    const bool is_norm = tensor.shape.size() == 1;
    entries.push_back(
        {tensor.name, is_norm ? "F32" : names.safetensors, tensor.shape, 0, byte_size(tensor.type, values)});
  }
  weights.write(make_safetensors_header(entries, {{"format", "pt"}}));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    stream_tensor(tensors[i], model, threads, [&](std::span<const std::byte> part) { weights.write(part); });
    if (options.progress) options.progress(i + 1, tensors.size());
  }
  folder.finish();
}

}  // namespace tome
