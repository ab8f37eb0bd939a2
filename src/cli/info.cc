// tome info [MODEL]: what a model file holds.
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/number_text.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "formats/printable.h"
#include "formats/safetensors_folder.h"
#include "model/config.h"

namespace tome::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Flags {
  std::string model = "gemma";
  bool json_output = false;
};

struct TypeCount {
  std::size_t tensors = 0, values = 0, bytes = 0;
};

std::map<std::string, TypeCount> count_types(const std::vector<TensorView>& tensors) {
  std::map<std::string, TypeCount> types;
  for (const TensorView& tensor : tensors) {
    TypeCount& count = types[std::string(info(tensor.type).name)];
    ++count.tensors;
    count.values += tensor.values();
    count.bytes += tensor.data.size();
  }
  return types;
}

json describe_config(const ModelConfig& config) {
  json object = {{"family", config.family == Family::kGemma3 ? "gemma3" : "llama"},
                 {"layers", config.layers},
                 {"width", config.width},
                 {"heads", config.heads},
                 {"kv_heads", config.kv_heads},
                 {"head_width", config.head_width},
                 {"feed_forward", config.feed_forward},
                 {"vocabulary", config.vocabulary},
                 {"tied_output", config.tied_output},
                 {"window", config.context_length},
                 {"rope", {{"theta", config.rope_theta}, {"scaling", to_string(config.rope_scaling)}}}};
  if (config.sliding_window > 0) {
    object["sliding"] = {{"window", config.sliding_window},
                         {"layers", std::count(config.sliding.begin(), config.sliding.end(), true)},
                         {"theta", config.rope_theta_sliding}};
  }
  return object;
}

// A setting that tome does not know is said, and the rest shown all the same.
template <typename Read>
void add_checked(json& object, const char* key, const Read& read) {
  try {
    object[key] = read();
  } catch (const UserError& error) {
    object[key] = nullptr;
    object["problems"].push_back(error.what());
  }
}

json describe_tokenizer(const OpenTokenizer& open, std::string kind) {
  const Tokenizer& tokenizer = *open.tokenizer;
  return {{"kind", std::move(kind)},
          {"pieces", tokenizer.vocabulary()},
          {"adds_bos", tokenizer.add_bos()},
          {"chat_template", !tokenizer.chat_template().empty()}};
}

std::string text_key(const GgufFile& gguf, std::string_view key) {
  const auto found = gguf.metadata().find(key);
  const auto* text = found == gguf.metadata().end() ? nullptr : std::get_if<std::string_view>(&found->second);
  return text == nullptr ? std::string() : std::string(text->substr(0, 200));
}

std::string tokenizer_kind(const GgufFile& gguf) {
  const std::string model = text_key(gguf, "tokenizer.ggml.model"), pre = text_key(gguf, "tokenizer.ggml.pre");
  return pre.empty() ? model : cat(model, ", pre-tokenizer ", pre);
}

json describe_gguf(const fs::path& path, std::map<std::string, TypeCount>* types) {
  OpenTokenizer open;
  open.gguf = std::make_unique<GgufFile>(path);
  const GgufFile& gguf = *open.gguf;
  *types = count_types(gguf.tensors());
  json object = {
      {"format", "gguf"}, {"name", text_key(gguf, "general.name")}, {"licence", text_key(gguf, "general.license")}};
  object["architecture"] = text_key(gguf, "general.architecture");
  add_checked(object, "shape", [&] { return describe_config(read_config(gguf)); });
  add_checked(object, "tokenizer", [&] {
    open.tokenizer = make_tokenizer(gguf);
    return describe_tokenizer(open, tokenizer_kind(gguf));
  });
  return object;
}

json describe_folder(const fs::path& path, std::map<std::string, TypeCount>* types) {
  const SafetensorsFolder folder(path);
  *types = count_types(folder.tensors());
  json object = {{"format", "safetensors"}, {"name", path.filename().string()}, {"licence", ""}};
  add_checked(object, "shape", [&] { return describe_config(read_config(path / "config.json")); });
  object["architecture"] = object["shape"].is_null() ? "" : object["shape"]["family"];
  add_checked(object, "tokenizer", [&] { return describe_tokenizer(open_tokenizer(path), "tokenizer.json"); });
  return object;
}

std::string unquoted(const json& value) {
  const std::string quoted = in_quotes(value.get<std::string>());
  return quoted.size() <= 2 ? "not stated" : quoted.substr(1, quoted.size() - 2);
}

void print_shape(const json& s) {
  std::cout << "layers        " << s["layers"] << ", width " << s["width"] << ", feed-forward " << s["feed_forward"]
            << "\nheads         " << s["heads"] << " x " << s["head_width"] << ", " << s["kv_heads"]
            << " for keys and values"
            << "\nvocabulary    " << grouped(s["vocabulary"].get<std::int64_t>())
            << (s["tied_output"].get<bool>() ? ", output tied to the embedding" : "") << "\nwindow        "
            << grouped(s["window"].get<std::int64_t>()) << " tokens";
  if (s.contains("sliding")) {
    std::cout << "; " << s["sliding"]["layers"] << " layers look back " << s["sliding"]["window"] << " only";
  }
  std::cout << "\nRoPE          theta " << s["rope"]["theta"].get<double>() << ", scaling "
            << s["rope"]["scaling"].get<std::string>() << '\n';
}

void print(const json& object) {
  std::cout << "file          " << object["path"].get<std::string>() << " ("
            << human_bytes(object["bytes"].get<std::uint64_t>()) << ", " << object["format"].get<std::string>() << ")\n"
            << "name          " << unquoted(object["name"]) << "\narchitecture  " << unquoted(object["architecture"])
            << "\nlicence       " << unquoted(object["licence"]) << '\n';
  if (!object["shape"].is_null()) print_shape(object["shape"]);
  if (const json& t = object["tokenizer"]; !t.is_null()) {
    std::cout << "tokenizer     " << unquoted(t["kind"]) << ", " << grouped(t["pieces"].get<std::int64_t>())
              << " pieces" << (t["adds_bos"].get<bool>() ? ", begins with BOS" : "")
              << (t["chat_template"].get<bool>() ? ", chat template" : ", no chat template") << '\n';
  }
  std::cout << "parameters    " << grouped(object["parameters"].get<std::int64_t>()) << '\n';
  for (const auto& [type, count] : object["types"].items()) {
    std::cout << "  " << type << std::string(type.size() < 12 ? 12 - type.size() : 1, ' ') << count["tensors"]
              << " tensors, " << human_bytes(count["bytes"].get<std::uint64_t>()) << '\n';
  }
  for (const json& problem : object.value("problems", json::array())) {
    std::cout << "tome cannot run it: " << problem.get<std::string>() << '\n';
  }
}

void run(const Flags& flags) {
  const fs::path path = find_model(flags.model);
  std::map<std::string, TypeCount> types;
  json object = fs::is_directory(path) ? describe_folder(path, &types) : describe_gguf(path, &types);
  std::size_t values = 0, bytes = 0;
  for (const auto& [name, count] : types) {
    object["types"][name] = {{"tensors", count.tensors}, {"parameters", count.values}, {"bytes", count.bytes}};
    values += count.values;
    bytes += count.bytes;
  }
  object["schema_version"] = 1;
  object["path"] = path.string();
  object["parameters"] = values;
  object["bytes"] = fs::is_directory(path) ? bytes : fs::file_size(path);
  if (flags.json_output) {
    std::cout << object.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
  } else {
    print(object);
  }
  finish_stdout();
}

}  // namespace

void add_info(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("info", "what a model file holds: shapes, number types, window, licence");
  command->footer("examples:\n  tome info\n  tome info smollm2\n  tome info ./model.gguf --json");
  command->add_option("MODEL,-m,--model", flags->model, "a name, a .gguf file, or a Hugging Face folder")
      ->envname("TOME_MODEL")
      ->capture_default_str();
  command->add_flag("--json", flags->json_output, "one JSON object on stdout");
  command->callback([flags] { run(*flags); });
}

}  // namespace tome::cli
