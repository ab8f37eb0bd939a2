#include "model/adapter_card.h"

#include <charconv>
#include <cinttypes>
#include <cstdio>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/json.h"
#include "model/config_json_keys.h"
#include "model/rope_parameters.h"

namespace tome {
namespace {

using nlohmann::json;

constexpr int kSchema = 1;
constexpr std::size_t kLargestUse = 1 << 20;

std::string hexadecimal(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016" PRIx64, value);
  return text;
}

std::uint64_t read_fingerprint(JsonKeys& keys) {
  constexpr const char* kKey = "base_fingerprint";
  const std::string text = keys.find_string(kKey).value_or("0");
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) {
    keys.fail(kKey, "got ", in_quotes(text), ", expected 16 hexadecimal digits");
  }
  return value;
}

json text_or_null(const std::string& text) { return text.empty() ? json() : json(text); }

std::string quoted(const std::string& text) { return json(text).dump(-1, ' ', true, json::error_handler_t::replace); }

/// JSON as Python writes it.
std::string python_literal(const json& value) {
  std::string text = value.dump();
  for (const auto& [from, to] : {std::pair("false", "False"), std::pair("true", "True")}) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + 1)) {
      text.replace(at, std::string_view(from).size(), to);
    }
  }
  return text;
}

std::string table_of(const Adapter& adapter, const ModelConfig& config, const AdapterUse& use) {
  const AdapterSettings& settings = adapter.settings();
  std::string trained = cat("LoRA pairs of rank ", settings.rank, ", scale ", settings.scale());
  const PairSettings usual{settings.rank, settings.alpha};
  bool differs = false;
  for (std::size_t layer = 0; layer < config.layers; ++layer) {
    for (const Matrix m : kMatrices) {
      const Adapter::Place& place = adapter.place(layer, m);
      differs = differs || (place.present && place.pair != usual);
    }
  }
  if (differs) trained += " (some of another: rank_pattern, alpha_pattern)";
  if (settings.norms) trained += ", norms";
  if (settings.embeddings) trained += ", embeddings";
  return cat("| | |\n|---|---|\n| base model | ", plain_name(use.base_model), " |\n| trained | ", trained,
             " |\n| window | ", use.window > 0 ? use.window : config.context_length, " tokens |\n| RoPE scaling | ",
             use.rope_scaling.empty() ? "the model's own" : use.rope_scaling, " |\n| layout | ",
             use.layout.empty() ? "none" : plain_name(use.layout), " |\n");
}

/// Python that opens the model as it was trained; words instead where transformers has no such RoPE.
std::string transformers_way(const ModelConfig& config, const std::string& base) {
  std::string rope;
  try {
    rope = python_literal(rope_parameters(config, "RoPE"));
  } catch (const UserError& error) {
    return cat("transformers cannot use it as it was trained. ", error.what(), ".\n");
  }
  return cat(
      "With transformers and PEFT, RoPE must be set as it was trained:\n```python\n"
      "from peft import PeftModel\nfrom transformers import AutoConfig, AutoModelForCausalLM\n\nbase = ",
      base, "\nconfig = AutoConfig.from_pretrained(base)\nconfig.rope_parameters = ", rope,
      "\nconfig.max_position_embeddings = ", max_positions(config),
      "\nmodel = AutoModelForCausalLM.from_pretrained(base, config=config)\n"
      "model = PeftModel.from_pretrained(model, \".\")\n```\n");
}

}  // namespace

std::string make_use_json(const AdapterUse& use) {
  const nlohmann::ordered_json object = {{"schema_version", kSchema},
                                         {"base_model", use.base_model},
                                         {"base_fingerprint", hexadecimal(use.base_fingerprint)},
                                         {"rope_scaling", text_or_null(use.rope_scaling)},
                                         {"window", use.window},
                                         {"layout", text_or_null(use.layout)}};
  return object.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string make_card(const Adapter& adapter, const ModelConfig& config, const AdapterUse& use) {
  const std::string base = quoted(use.base_model);
  return cat("---\nlibrary_name: peft\nbase_model: ", base, "\ntags: [lora, tome]\n---\n# An adapter of ",
             plain_name(use.base_model), "\n\n", table_of(adapter, config, use),
             "\nWith tome, which takes RoPE scaling and layout from `tome.json`:\n```\ntome ask --model ",
             plain_name(use.base_model), " --adapter . book.txt \"Who did it?\"\n```\n",
             transformers_way(config, base));
}

std::optional<AdapterUse> load_adapter_use(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kUseFile;
  if (!std::filesystem::exists(path)) return std::nullopt;
  const MappedFile file(path);
  if (file.bytes().size() > kLargestUse) {
    throw_user_error(path.string(), ": got ", file.bytes().size(), " bytes, expected at most ", kLargestUse);
  }
  const json object = parse_json(file.bytes(), path.string(), 3);
  JsonKeys keys(object, path.string());
  const std::int64_t schema = keys.integer("schema_version", {0, 1 << 20});
  if (schema != kSchema) {
    keys.fail("schema_version", "got ", schema, ", expected ", kSchema, "; it was written by another tome");
  }
  AdapterUse use;
  use.base_model = keys.find_string("base_model").value_or("");
  use.base_fingerprint = read_fingerprint(keys);
  use.rope_scaling = keys.find_string("rope_scaling").value_or("");
  use.window = keys.find_integer("window", {0, kContextLimits.highest}).value_or(0);
  use.layout = keys.find_string("layout").value_or("");
  keys.refuse_unread();
  try {
    if (!use.rope_scaling.empty()) parse_rope_scaling(use.rope_scaling, kContextLimits.highest);
  } catch (const UserError&) {  // which blames a flag
    keys.fail("rope_scaling", "got ", in_quotes(use.rope_scaling), ", expected what --rope-scaling takes");
  }
  return use;
}

std::string rope_scaling_of_use(const ModelConfig& own, const ModelConfig& trained) {
  return trained.rope_scaling == own.rope_scaling ? std::string() : to_string(trained.rope_scaling);
}

}  // namespace tome
