#include "model/adapter_config.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/mapped_file.h"
#include "formats/json.h"
#include "model/config_json_keys.h"
#include "model/tensor_names.h"

namespace tome {
namespace {

using nlohmann::json;

constexpr std::size_t kLargestConfig = std::size_t{16} << 20;
constexpr int kConfigDepth = 16;
constexpr std::size_t kMostPatternStates = 200'000;
constexpr Limits<std::int64_t> kRankLimits{1, static_cast<std::int64_t>(kMostRank)};
constexpr Limits<double> kAlphaLimits{-1e9, 1e9};

json read_object(const std::filesystem::path& path) {
  const MappedFile file(path);
  if (file.bytes().size() > kLargestConfig) {
    throw_user_error(path.string(), ": got ", file.bytes().size(), " bytes, expected at most ", kLargestConfig);
  }
  json object = parse_json(file.bytes(), path.string(), kConfigDepth);
  // PEFT's files list every setting there is; these are the ways to say that one is not used.
  for (auto entry = object.begin(); object.is_object() && entry != object.end();) {
    const bool unused = entry->is_null() || *entry == false || (entry->is_structured() && entry->empty());
    entry = unused ? object.erase(entry) : std::next(entry);
  }
  return object;
}

/// A string or a list of strings; empty when absent.
std::vector<std::string> find_names(JsonKeys& keys, const json& object, const std::string& key) {
  if (object.is_object() && object.contains(key) && object.at(key).is_string()) return {*keys.find_string(key)};
  return keys.find_strings(key).value_or(std::vector<std::string>());
}

std::vector<std::int64_t> find_layers(JsonKeys& keys, const json& object, const std::string& key) {
  keys.ignore({key.c_str()});
  if (!object.contains(key)) return {};
  const json list = object.at(key).is_array() ? object.at(key) : json::array({object.at(key)});
  for (const json& entry : list) {
    if (!entry.is_number_integer()) keys.fail(key, "got ", shown(list), ", expected numbers of layers");
  }
  return list.get<std::vector<std::int64_t>>();
}

/// The file's keys of an object, in its own order, which parse_json has found to be well formed.
std::vector<std::string> ordered_keys(const std::filesystem::path& path, const std::string& key) {
  const MappedFile file(path);
  const auto* begin = reinterpret_cast<const char*>(file.bytes().data());
  const auto object = nlohmann::ordered_json::parse(begin, begin + file.bytes().size());
  std::vector<std::string> names;
  for (const auto& entry : object.at(key).items()) names.push_back(entry.key());
  return names;
}

/// An object of regular expressions and numbers; `number` reads that of one key.
template <typename T, typename Number>
std::vector<std::pair<ModulePattern, T>> find_patterns(JsonKeys& keys, const std::filesystem::path& path,
                                                       const std::string& key, Number number) {
  std::vector<std::pair<ModulePattern, T>> patterns;
  const json* object = keys.find_object(key);
  if (object == nullptr) return patterns;
  JsonKeys inner(*object, path.string(), key + ".");
  std::size_t states = 0;
  for (const std::string& name : ordered_keys(path, key)) {
    try {
      patterns.emplace_back(ModulePattern(name), number(inner, name));
    } catch (const UserError& error) {
      keys.fail(key, error.what());
    }
    states += patterns.back().first.size();
    if (states > kMostPatternStates) keys.fail(key, "is too long");
  }
  return patterns;
}

template <typename T>
T first_match(const std::vector<std::pair<ModulePattern, T>>& patterns, const std::string& module, T otherwise) {
  for (const auto& [pattern, value] : patterns) {
    if (pattern.matches(module)) return value;
  }
  return otherwise;
}

void check_initialisation(JsonKeys& keys, const json& object) {
  constexpr const char* kKey = "init_lora_weights";
  keys.ignore({kKey});
  if (!object.contains(kKey) || object.at(kKey).is_boolean()) return;
  for (const char* harmless : {"gaussian", "orthogonal", "eva"}) {
    if (object.at(kKey) == harmless) return;
  }
  keys.fail(
      kKey, "got ", shown(object.at(kKey)),
      ", which changes the base model too; convert the adapter with PEFT (path_initial_model_for_weight_conversion)");
}

/// PEFT's rule for lists: the module itself, or the end of its name after a dot.
bool names_module(const std::vector<std::string>& names, const std::string& module) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return module == name || module.ends_with("." + name); });
}

/// What pairs have that differ from the settings, by module, or by matrix where all layers have the same.
template <typename Value>
json pattern_of(const Adapter& adapter, std::size_t layers, const json& usual, Value value) {
  json pattern = json::object();
  for (const Matrix m : kMatrices) {
    std::map<std::string, json> modules;
    std::set<json> values;
    for (std::size_t layer = 0; layer < layers; ++layer) {
      const Adapter::Place& place = adapter.place(layer, m);
      if (!place.present) continue;
      values.insert(value(place.pair));
      if (value(place.pair) != usual) {
        modules[cat("model\\.layers\\.", layer, "\\.", folder_name(m))] = value(place.pair);
      }
    }
    const std::string_view name = folder_name(m);
    if (values.size() == 1 && !modules.empty())
      modules = {{std::string(name.substr(name.find('.') + 1)), *values.begin()}};
    pattern.update(modules);
  }
  return pattern;
}

std::vector<std::string> target_modules(const Adapter& adapter, std::size_t layers) {
  std::vector<std::string> names;
  for (const Matrix m : kMatrices) {
    std::vector<std::string> modules;
    for (std::size_t layer = 0; layer < layers; ++layer) {
      if (adapter.place(layer, m).present) modules.push_back(cat("model.layers.", layer, ".", folder_name(m)));
    }
    const std::string_view name = folder_name(m);
    if (modules.size() == layers) modules = {std::string(name.substr(name.find('.') + 1))};
    names.insert(names.end(), modules.begin(), modules.end());
  }
  return names;
}

json modules_to_save(const AdapterSettings& settings, const ModelConfig& config) {
  std::set<std::string> names;
  if (settings.norms) {
    names.insert("norm");
    for (const Norm n : kNorms) {
      const std::string_view name = folder_name(n, config.family);
      if (!name.empty()) names.emplace(name.substr(name.find('.') + 1));
    }
  }
  if (settings.embeddings) {
    names.insert("embed_tokens");
    if (!config.tied_output) names.insert("lm_head");
  }
  return names.empty() ? json() : json(names);
}

}  // namespace

PeftConfig::PeftConfig(const std::filesystem::path& path) {
  const json object = read_object(path);
  JsonKeys keys(object, path.string());
  keys.expect("peft_type", "LORA");
  keys.expect("task_type", "CAUSAL_LM");
  keys.expect("bias", "none");
  keys.ignore({"base_model_name_or_path", "peft_version", "auto_mapping", "inference_mode", "revision", "megatron_core",
               "qalora_group_size", "eva_config"});
  check_initialisation(keys, object);
  rank = keys.size("r", kRankLimits);
  alpha = keys.find_number("lora_alpha", kAlphaLimits).value_or(8);  // PEFT's default
  dropout = keys.find_number("lora_dropout", {0, 1}).value_or(0);
  ranks_ = find_patterns<std::size_t>(keys, path, "rank_pattern", [](JsonKeys& inner, const std::string& name) {
    return inner.size(name, kRankLimits);
  });
  alphas_ = find_patterns<double>(keys, path, "alpha_pattern", [](JsonKeys& inner, const std::string& name) {
    const auto number = inner.find_number(name, kAlphaLimits);
    if (!number) inner.fail(name, "is null, expected a number");
    return *number;
  });
  rank_stabilised = keys.find_bool("use_rslora").value_or(false);
  ties_weights = keys.find_bool("ensure_weight_tying").value_or(false);
  targets_ = find_names(keys, object, "target_modules");
  if (targets_.empty()) keys.fail("target_modules", "is missing, expected the names of linear layers");
  all_linear_ = object.at("target_modules") == "all-linear";
  target_pattern_ = object.at("target_modules").is_string() && !all_linear_;
  if (object.contains("exclude_modules") && object.at("exclude_modules").is_string()) {
    keys.fail("exclude_modules", "got a regular expression, expected a list of names");
  }
  excluded_ = find_names(keys, object, "exclude_modules");
  saved_ = find_names(keys, object, "modules_to_save");
  layers_ = find_layers(keys, object, "layers_to_transform");
  chooses_layers_ = !layers_.empty();
  for (const std::string& pattern : find_names(keys, object, "layers_pattern")) {
    if (pattern != "layers") keys.fail("layers_pattern", "got ", in_quotes(pattern), ", expected layers");
  }
  keys.refuse_unread();
}

bool PeftConfig::has_pair(const std::string& module, std::size_t layer) const {
  if (names_module(excluded_, module)) return false;
  if (!all_linear_ && !names_module(targets_, module)) return false;
  const bool itself = std::find(targets_.begin(), targets_.end(), module) != targets_.end();
  return !chooses_layers_ || itself ||
         std::find(layers_.begin(), layers_.end(), static_cast<std::int64_t>(layer)) != layers_.end();
}

PairSettings PeftConfig::pair(const std::string& module) const {
  return {first_match(ranks_, module, rank), first_match(alphas_, module, alpha)};
}

bool PeftConfig::is_saved(const std::string& module) const {
  return std::any_of(saved_.begin(), saved_.end(), [&](const std::string& name) { return module.ends_with(name); });
}

std::string make_peft_config(const Adapter& adapter, const ModelConfig& config, const std::string& base_model) {
  const AdapterSettings& settings = adapter.settings();
  const std::vector<std::string> targets = target_modules(adapter, config.layers);
  TOME_CHECK(!targets.empty(), "PEFT has no adapter without a pair");
  const auto rank_of = [](const PairSettings& pair) { return json(pair.rank); };
  const auto alpha_of = [](const PairSettings& pair) { return json(pair.alpha); };
  const json object = {{"peft_type", "LORA"},
                       {"task_type", "CAUSAL_LM"},
                       {"base_model_name_or_path", base_model},
                       {"r", settings.rank},
                       {"lora_alpha", settings.alpha},
                       {"rank_pattern", pattern_of(adapter, config.layers, settings.rank, rank_of)},
                       {"alpha_pattern", pattern_of(adapter, config.layers, settings.alpha, alpha_of)},
                       {"lora_dropout", settings.dropout},
                       {"use_rslora", settings.rank_stabilised},
                       {"target_modules", targets},
                       {"modules_to_save", modules_to_save(settings, config)},
                       {"ensure_weight_tying", settings.embeddings && config.tied_output},
                       {"bias", "none"},
                       {"fan_in_fan_out", false},
                       {"inference_mode", true},
                       {"init_lora_weights", true}};
  return object.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace tome
