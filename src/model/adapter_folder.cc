#include "model/adapter_folder.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "formats/new_file.h"
#include "formats/printable.h"
#include "formats/safetensors.h"
#include "formats/safetensors_folder.h"
#include "model/adapter_card.h"
#include "model/adapter_config.h"
#include "model/row_order.h"
#include "model/tensor_names.h"

namespace tome {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kWeightsFile = "adapter_model.safetensors";
constexpr const char* kPrefix = "base_model.model.";
constexpr const char* kEmbedding = "base_model.model.model.embed_tokens.weight";
constexpr const char* kHead = "base_model.model.lm_head.weight";

bool has_pair_order(const ModelConfig& config, const std::string& tensor) {
  return config.rope_layout == RopeLayout::kPairs &&
         (tensor.ends_with("q_proj.lora_B.weight") || tensor.ends_with("k_proj.lora_B.weight"));
}

/// From PEFT's order and meaning of numbers to the model's.
void to_model(const ModelConfig& config, const AdapterTensor& tensor, std::span<float> values) {
  if (tensor.name.ends_with("norm.weight")) {
    for (float& v : values) v += folder_norm_offset(config.family);
  }
  if (!has_pair_order(config, tensor.name)) return;
  const std::vector<float> stored(values.begin(), values.end());
  const std::size_t rank = tensor.shape[1];
  for (std::size_t row = 0; row < tensor.shape[0]; ++row) {
    std::copy_n(stored.data() + row * rank, rank, values.data() + row_in_pairs(row, config.head_width) * rank);
  }
}

/// And back.
std::vector<float> to_peft(const ModelConfig& config, const AdapterTensor& tensor, std::span<const float> values) {
  std::vector<float> stored(values.begin(), values.end());
  if (tensor.name.ends_with("norm.weight")) {
    for (float& v : stored) v -= folder_norm_offset(config.family);
  }
  if (!has_pair_order(config, tensor.name)) return stored;
  const std::size_t rank = tensor.shape[1];
  for (std::size_t row = 0; row < tensor.shape[0]; ++row) {
    std::copy_n(values.data() + row_in_pairs(row, config.head_width) * rank, rank, stored.data() + row * rank);
  }
  return stored;
}

class Loader {
 public:
  Loader(const fs::path& folder, const ModelConfig& config)
      : config_(config),
        where_((folder / kConfigFile).string()),
        peft_(folder / kConfigFile),
        file_(weights_path(folder)) {}

  Adapter load() {
    AdapterSettings settings;
    settings.rank = peft_.rank;
    settings.alpha = peft_.alpha;
    settings.dropout = peft_.dropout;
    settings.rank_stabilised = peft_.rank_stabilised;
    settings.norms = saves_norms();
    settings.embeddings = saves_embeddings();
    settings.matrices.fill(false);
    for (std::size_t layer = 0; layer < config_.layers; ++layer) {
      for (const Matrix m : kMatrices) settings.matrices[static_cast<std::size_t>(m)] |= pair(layer, m).rank > 0;
    }
    if (std::find(settings.matrices.begin(), settings.matrices.end(), true) == settings.matrices.end()) {
      throw_user_error(where_, ": key 'target_modules': names no linear layer of a decoder layer");
    }
    Adapter adapter(config_, settings, [&](std::size_t layer, Matrix m) { return pair(layer, m); });
    for (const AdapterTensor& tensor : adapter.tensors()) read(tensor, adapter);
    refuse_unread(adapter);
    return adapter;
  }

 private:
  static fs::path weights_path(const fs::path& folder) {
    if (!fs::exists(folder / kWeightsFile) && fs::exists(folder / "adapter_model.bin")) {
      throw_user_error(folder.string(), ": got adapter_model.bin (a pickle), expected ", kWeightsFile,
                       "; save it again with PEFT");
    }
    return folder / kWeightsFile;
  }

  PairSettings pair(std::size_t layer, Matrix m) const {
    const std::string module = cat("model.layers.", layer, ".", folder_name(m));
    const bool present = peft_.targets_by_pattern() ? file_.find(cat(kPrefix, module, ".lora_A.weight")) != nullptr
                                                    : peft_.has_pair(module, layer);
    return present ? peft_.pair(module) : PairSettings{};
  }

  bool saves_norms() const {
    std::size_t saved = 0, all = 0;
    const auto count = [&](const std::string& module) {
      ++all;
      saved += peft_.is_saved(module) ? 1 : 0;
    };
    for (std::size_t layer = 0; layer < config_.layers; ++layer) {
      for (const Norm n : kNorms) {
        const std::string_view name = folder_name(n, config_.family);
        if (!name.empty()) count(cat("model.layers.", layer, ".", name));
      }
    }
    count("model.norm");
    if (saved != 0 && saved != all) {
      throw_user_error(where_, ": key 'modules_to_save': names some norms and not others, expected all or none");
    }
    return saved > 0;
  }

  bool saves_embeddings() const {
    const bool embedding = peft_.is_saved("model.embed_tokens"), head = peft_.is_saved("lm_head");
    if (config_.tied_output && (embedding || head) && !(embedding && peft_.ties_weights)) {
      throw_user_error(where_, ": key 'ensure_weight_tying': the model's output matrix is its embedding, and the ",
                       "adapter has one without the other; expected true, with embed_tokens in modules_to_save");
    }
    if (!config_.tied_output && embedding != head) {
      throw_user_error(where_, ": key 'modules_to_save': got one of embed_tokens and lm_head, expected both or none");
    }
    return embedding;
  }

  void read(const AdapterTensor& tensor, Adapter& adapter) const {
    const SafetensorsEntry* entry = file_.find(tensor.name);
    if (entry == nullptr) {
      throw_user_error(file_.file().path().string(), ": tensor ", tensor.name, " is missing, though ", kConfigFile,
                       " has it");
    }
    if (entry->shape != tensor.shape) {
      throw_user_error(where(*entry), ": got shape ", shape_text(entry->shape), ", expected ", shape_text(tensor.shape),
                       "; is it an adapter of this model?");
    }
    const std::span<float> values = adapter.values().subspan(tensor.offset, tensor.size());
    unpack(*entry, values);
    to_model(config_, tensor, values);
  }

  void unpack(const SafetensorsEntry& entry, std::span<float> values) const {
    const auto type = weight_type(entry.dtype);
    if (!type) throw_user_error(where(entry), ": got type ", entry.dtype, ", expected F32, F16 or BF16");
    dequantize(*type, file_.data(entry), values);
    if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
      throw_user_error(where(entry), ": holds a number that is not finite; training it went wrong");
    }
  }

  void refuse_unread(const Adapter& adapter) const {
    std::map<std::string_view, const AdapterTensor*> known;
    for (const AdapterTensor& tensor : adapter.tensors()) known[tensor.name] = &tensor;
    for (const SafetensorsEntry& entry : file_.entries()) {
      if (known.contains(entry.name)) continue;
      const auto embedding = known.find(kEmbedding);
      if (entry.name == kHead && embedding != known.end()) {  // PEFT writes a tied matrix under both its names
        check_same(entry);
        continue;
      }
      throw_user_error(where(entry), " is for nothing that tome adapts (linear layers, norms, embeddings)");
    }
  }

  void check_same(const SafetensorsEntry& head) const {
    const SafetensorsEntry* stored = file_.find(kEmbedding);
    if (head.dtype != stored->dtype || !std::ranges::equal(file_.data(head), file_.data(*stored))) {
      throw_user_error(where(head), " differs from the embedding, though the model has one matrix for both");
    }
  }

  static std::string shape_text(const std::vector<std::size_t>& shape) {
    std::string text = "[";
    for (const std::size_t extent : shape) text += cat(text.size() > 1 ? ", " : "", extent);
    return text + "]";
  }
  std::string where(const SafetensorsEntry& entry) const {
    return cat(file_.file().path().string(), ": tensor ", in_quotes(entry.name));
  }

  const ModelConfig& config_;
  std::string where_;
  PeftConfig peft_;
  SafetensorsFile file_;
};

/// What PEFT's file holds: a tied matrix stands in it under both its names, and PEFT looks for both.
std::vector<AdapterTensor> stored_tensors(const Adapter& adapter) {
  std::vector<AdapterTensor> tensors = adapter.tensors();
  if (adapter.settings().embeddings && adapter.output().size == 0) {
    tensors.push_back(tensors.back());
    tensors.back().name = kHead;
  }
  return tensors;
}

void write_weights(NewFile& file, const Adapter& adapter, const ModelConfig& config) {
  const std::vector<AdapterTensor> tensors = stored_tensors(adapter);
  std::vector<SafetensorsEntry> entries;
  entries.reserve(tensors.size());
  for (const AdapterTensor& tensor : tensors) {
    entries.push_back({tensor.name, "F32", tensor.shape, 0, tensor.size() * sizeof(float)});
  }
  file.write(make_safetensors_header(entries, {{"format", "pt"}}));
  for (const AdapterTensor& tensor : tensors) {
    const auto values = to_peft(config, tensor, adapter.values().subspan(tensor.offset, tensor.size()));
    file.write(std::as_bytes(std::span(values)));
  }
}

}  // namespace

Adapter load_adapter(const fs::path& folder, const ModelConfig& config) { return Loader(folder, config).load(); }

void save_adapter(const fs::path& folder, const Adapter& adapter, const ModelConfig& config, const AdapterUse& use) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw_user_error("cannot make the folder ", folder.string(), ": ", error.message());
  NewFile card(folder / "README.md"), json(folder / kUseFile), peft(folder / kConfigFile);
  NewFile weights(folder / kWeightsFile);
  card.write(make_card(adapter, config, use));
  json.write(make_use_json(use));
  peft.write(make_peft_config(adapter, config, use.base_model));
  write_weights(weights, adapter, config);
  for (NewFile* file : {&weights, &peft, &json, &card}) file->finish();
}

}  // namespace tome
