// Configuration from a Hugging Face config.json. What a key means and what its absence means:
// transformers' LlamaConfig and Gemma3TextConfig, in the spellings of versions 4 and 5.
#include <cmath>

#include "base/mapped_file.h"
#include "formats/json.h"
#include "model/config.h"
#include "model/config_json_keys.h"
#include "model/config_json_rope.h"
#include "model/config_limits.h"

namespace tome {
namespace {

using nlohmann::json;

constexpr std::size_t kLargestConfig = std::size_t{16} << 20;
constexpr int kConfigDepth = 16;
constexpr const char* kSliding = "sliding_attention";
constexpr const char* kFull = "full_attention";

/// Keys about training, generation, storage and the program that wrote the file.
void ignore_harmless(JsonKeys& keys) {
  keys.ignore({"attention_dropout",
               "hidden_dropout",
               "initializer_range",
               "use_cache",
               "pretraining_tp",
               "pad_token_id",
               "bos_token_id",
               "eos_token_id",
               "cache_implementation",
               "dtype",
               "torch_dtype",
               "transformers_version",
               "_name_or_path",
               "name_or_path",
               "_attn_implementation_autoset",
               "_attn_implementation",
               "is_llama_config",
               "is_decoder",
               "transformers.js_config",
               "unsloth_fixed",
               "unsloth_version",
               "return_dict",
               "output_attentions",
               "output_hidden_states",
               "max_length",
               "task_specific_params"});
}

void read_shape(JsonKeys& keys, ModelConfig& config) {
  config.layers = keys.size("num_hidden_layers", kLayerLimits);
  config.width = keys.size("hidden_size", kWidthLimits);
  config.feed_forward = keys.size("intermediate_size", kFeedForwardLimits);
  config.norm_epsilon = static_cast<float>(keys.find_number("rms_norm_eps", kEpsilonLimits).value_or(1e-6));
  keys.expect("attention_bias", false);
}

void read_architectures(JsonKeys& keys, const std::string& only) {
  const auto names = keys.find_strings("architectures");
  if (!names) return;
  for (const std::string& name : *names) {
    if (name != only) keys.fail("architectures", "got ", in_quotes(name), ", tome can only run ", only);
  }
}

/// `layer_types` as flags; std::nullopt when absent.
std::optional<std::vector<bool>> read_layer_types(JsonKeys& keys, std::size_t layers) {
  const auto types = keys.find_strings("layer_types");
  if (!types) return std::nullopt;
  if (types->size() != layers) keys.fail("layer_types", "got ", types->size(), " entries for ", layers, " layers");
  std::vector<bool> sliding;
  for (const std::string& type : *types) {
    if (type != kSliding && type != kFull) {
      keys.fail("layer_types", "got ", in_quotes(type), ", expected ", kSliding, " or ", kFull);
    }
    sliding.push_back(type == kSliding);
  }
  return sliding;
}

void read_llama(JsonKeys& keys, ModelConfig& config) {
  config.family = Family::kLlama;
  read_architectures(keys, "LlamaForCausalLM");
  read_shape(keys, config);
  config.vocabulary = keys.size("vocab_size", kVocabularyLimits);
  config.heads = keys.size("num_attention_heads", kHeadLimits);
  config.kv_heads = keys.size("num_key_value_heads", kHeadLimits, config.heads);
  if (!keys.has("head_dim") && config.width % config.heads != 0) {
    keys.fail("num_attention_heads", "got ", config.heads, ", which does not divide hidden_size ", config.width);
  }
  config.head_width = keys.size("head_dim", kHeadWidthLimits, config.width / config.heads);
  config.context_length = keys.find_integer("max_position_embeddings", kContextLimits).value_or(2048);
  config.tied_output = keys.find_bool("tie_word_embeddings").value_or(false);
  config.attention_scale = static_cast<float>(1 / std::sqrt(static_cast<double>(config.head_width)));
  config.sliding = read_layer_types(keys, config.layers).value_or(std::vector<bool>(config.layers));
  for (const bool sliding : config.sliding) {
    if (sliding) keys.fail("layer_types", "got ", kSliding, ", which tome knows for Gemma only");
  }
  read_llama_rope(keys, config);
  keys.expect("hidden_act", "silu");
  keys.expect("mlp_bias", false);
  keys.expect("rope_interleaved", false);
}

std::vector<bool> read_sliding_layers(JsonKeys& keys, std::size_t layers) {
  const auto listed = read_layer_types(keys, layers);
  // Beside layer_types transformers writes the pattern that it once had, and reads neither of these.
  const char* key = keys.has("sliding_window_pattern") ? "sliding_window_pattern" : "_sliding_window_pattern";
  keys.ignore({"sliding_window_pattern", "_sliding_window_pattern"});
  if (listed) return *listed;
  const std::size_t period = keys.size(key, kLayerLimits, 6);
  std::vector<bool> sliding(layers);
  for (std::size_t layer = 0; layer < layers; ++layer) sliding[layer] = (layer + 1) % period != 0;
  return sliding;
}

void read_gemma3(JsonKeys& keys, ModelConfig& config) {
  config.family = Family::kGemma3;
  read_shape(keys, config);
  config.vocabulary = keys.size("vocab_size", kVocabularyLimits, 262208);
  config.heads = keys.size("num_attention_heads", kHeadLimits, 8);
  config.kv_heads = keys.size("num_key_value_heads", kHeadLimits, 4);
  config.head_width = keys.size("head_dim", kHeadWidthLimits, 256);
  config.context_length = keys.find_integer("max_position_embeddings", kContextLimits).value_or(131072);
  config.tied_output = keys.find_bool("tie_word_embeddings").value_or(true);
  if (!keys.has("sliding_window") && keys.contains("sliding_window")) {
    keys.fail("sliding_window", "got null, expected a number of tokens");
  }
  config.sliding_window = keys.find_integer("sliding_window", kContextLimits).value_or(4096);
  config.sliding = read_sliding_layers(keys, config.layers);
  read_gemma3_rope(keys, config);
  config.embedding_scale = static_cast<float>(std::sqrt(static_cast<double>(config.width)));
  const double scalar = keys.find_number("query_pre_attn_scalar", {1e-3, 1e6}).value_or(256);
  config.attention_scale = static_cast<float>(1 / std::sqrt(scalar));
  keys.expect("hidden_activation", "gelu_pytorch_tanh");
  keys.expect("hidden_act", "gelu_pytorch_tanh");
  keys.expect("use_bidirectional_attention", false);
}

/// The text half of a model that also sees pictures.
void read_gemma3_of_text_and_pictures(JsonKeys& outer, ModelConfig& config) {
  const json* text = outer.find_object("text_config");
  if (text == nullptr) outer.fail("text_config", "is missing, expected the text model's settings");
  JsonKeys keys(*text, outer.where(), "text_config.");
  keys.expect("model_type", "gemma3_text");
  read_gemma3(keys, config);
  config.tied_output = outer.find_bool("tie_word_embeddings").value_or(config.tied_output);
  ignore_harmless(keys);
  keys.refuse_unread();
  read_architectures(outer, "Gemma3ForConditionalGeneration");
  outer.ignore({"vision_config", "mm_tokens_per_image", "boi_token_index", "eoi_token_index", "image_token_index",
                "boi_token_id", "eoi_token_id", "image_token_id"});
}

}  // namespace

ModelConfig read_config(const std::filesystem::path& config_json) {
  const MappedFile file(config_json);
  const std::string where = config_json.string();
  if (file.bytes().size() > kLargestConfig) {
    throw_user_error(where, ": got ", file.bytes().size(), " bytes, expected a config.json of at most ",
                     kLargestConfig);
  }
  const json parsed = parse_json(file.bytes(), where, kConfigDepth);
  ModelConfig config;
  JsonKeys keys(parsed, where);
  config.name = plain_name(std::filesystem::absolute(config_json).parent_path().filename().string());
  const std::string type = keys.find_string("model_type").value_or("");
  if (type == "llama") {
    read_llama(keys, config);
  } else if (type == "gemma3_text") {
    read_architectures(keys, "Gemma3ForCausalLM");
    read_gemma3(keys, config);
  } else if (type == "gemma3") {
    read_gemma3_of_text_and_pictures(keys, config);
  } else {
    keys.fail("model_type", "got ", in_quotes(type),
              ", expected llama, gemma3_text or gemma3 (the families that tome can run)");
  }
  ignore_harmless(keys);
  keys.refuse_unread();
  check_config(config, where);
  return config;
}

}  // namespace tome
