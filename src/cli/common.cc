#include "cli/common.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <optional>

#include "base/error.h"
#include "cli/output.h"
#include "formats/printable.h"
#include "model/config_limits.h"
#include "text/document.h"

namespace tome::cli {

namespace fs = std::filesystem;

void ModelFlags::add_to(CLI::App& command) {
  command.add_option("-m,--model", model, "a name (gemma, smollm2), a .gguf file, or a Hugging Face folder")
      ->envname("TOME_MODEL")
      ->capture_default_str();
  command.add_option("-t,--threads", threads, "threads; default: the physical cores this process may use")
      ->envname("TOME_THREADS")
      ->check(CLI::Range(1, 1024));
  command.add_option("--context", context,
                     "tokens the model must hold, e.g. 32k or 100000; stretches RoPE when needed");
  command.add_option("--rope-scaling", rope_scaling, "none, linear:F, ntk:F, dynamic:F, yarn:F or llama3:F");
  command.add_flag("--exact", exact, "no int8 products: bf16 weights and activations throughout");
  command.add_option("--kv", kv, "keys and values as bf16, or quantised to 8.5 (q8) or 5 bits (q4)")
      ->check(CLI::IsMember({"bf16", "q8", "q4"}))
      ->capture_default_str();
  command.add_flag("--force", force, "take --kv q4 although it costs quality");
  command.add_flag("-q,--quiet", quiet, "only errors on stderr");
}

void ModelFlags::add_adapter_to(CLI::App& command, const std::string& otherwise) {
  command.add_option("--adapter", adapter, "a trained adapter: a folder that tome train or PEFT wrote" + otherwise);
}

int ModelFlags::thread_count() const { return threads > 0 ? threads : usable_cores(); }

ops::KvType ModelFlags::kv_type() const {
  if (kv == "q4" && !force) {
    throw_user_error("--kv q4: costs 2 % and more in perplexity on the models measured, above the 1 % that would be ",
                     "acceptable; take --kv q8 (under 0.1 %), or insist with --force");
  }
  return kv == "q8" ? ops::KvType::kQ8 : kv == "q4" ? ops::KvType::kQ4 : ops::KvType::kNative;
}

fs::path data_home() {
  if (const char* dir = std::getenv("XDG_DATA_HOME"); dir != nullptr && *dir != '\0') return fs::path(dir) / "tome";
  const char* home = std::getenv("HOME");
  if (home == nullptr) throw_user_error("neither XDG_DATA_HOME nor HOME is set; set one of them");
  return fs::path(home) / ".local" / "share" / "tome";
}

fs::path store_folder(const std::string& flag) { return flag.empty() ? data_home() / "readings" : fs::path(flag); }

bool file_exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

fs::path find_model(const std::string& name_or_path) {
  if (file_exists(name_or_path)) return name_or_path;
  const fs::path folder = data_home() / "models";
  for (const fs::path& path : {folder / (name_or_path + ".gguf"), folder / name_or_path}) {
    if (file_exists(path)) return path;
  }
  throw_user_error("no model \"", name_or_path, "\": neither a file or folder of that name, nor ", name_or_path,
                   ".gguf in ", folder.string(), "; run `tome models` to see the known ones, `tome pull ", name_or_path,
                   "` to get one");
}

fs::path answering_adapter(const fs::path& model) {
  fs::path folder = model.has_filename() ? model : model.parent_path();
  if (folder.extension() == ".gguf") folder.replace_extension();
  folder += ".answers";
  return file_exists(folder / "adapter_config.json") ? folder : fs::path();
}

const Layout& layout_of_use(const AdapterUse& use, const std::string& adapter) {
  try {
    return find_layout(use.layout);
  } catch (const UserError& error) {  // which blames a flag
    throw_user_error(adapter, "/tome.json: layout: ", error.what());
  }
}

namespace {

// Returns a note for the user, as stretch_context.
std::string stretch_as_trained(ModelConfig& config, const AdapterUse& use, const ModelFlags& flags) {
  const std::string from = cat("the adapter (", flags.adapter, "/tome.json)");
  ModelConfig own = config;
  std::string note = use.rope_scaling.empty() ? std::string() : stretch_context(config, 0, use.rope_scaling);
  if (!flags.rope_scaling.empty()) {
    stretch_context(own, 0, flags.rope_scaling);
    if (own.rope_scaling != config.rope_scaling) {
      throw_user_error("--rope-scaling ", flags.rope_scaling, ": ", from, " was trained with ",
                       to_string(config.rope_scaling), "; leave the flag out");
    }
  }
  if (!flags.context.empty() && parse_count("--context", flags.context) > config.context_length) {
    throw_user_error("--context ", flags.context, ": ", from, " was trained for a window of ", config.context_length,
                     " tokens; ask for at most that");
  }
  return note;
}

std::string stretch_as_asked(ModelConfig& config, const ModelFlags& flags) {
  if (flags.context.empty() && flags.rope_scaling.empty()) return "";
  const std::int64_t context = flags.context.empty() ? config.context_length : parse_count("--context", flags.context);
  return stretch_context(config, context, flags.rope_scaling);
}

}  // namespace

std::string other_base_note(const std::string& adapter, const AdapterUse& use, const Model& model) {
  if (use.base_fingerprint == 0 || use.base_fingerprint == model.fingerprint()) return "";
  return cat("note: ", adapter, " was trained on another file of its base model (", plain_name(use.base_model),
             "); answers may be worse");
}

OpenModel open_model(const ModelFlags& flags) {
  OpenModel open;
  open.model = std::make_unique<Model>(find_model(flags.model));
  open.tokenizer =
      open.model->gguf() != nullptr ? make_tokenizer(*open.model->gguf()) : make_tokenizer(open.model->path());
  if (open.tokenizer->vocabulary() > open.model->config().vocabulary) {
    throw_user_error(open.model->path().string(), ": the tokenizer has ", open.tokenizer->vocabulary(),
                     " pieces, the embedding only ", open.model->config().vocabulary, " rows");
  }
  const auto tell = [&](const std::string& text) {
    if (!text.empty() && !flags.quiet) std::cerr << text << '\n';
  };
  std::optional<AdapterUse> use;
  if (!flags.adapter.empty()) {
    open.adapter = std::make_unique<Adapter>(load_adapter(flags.adapter, open.model->config()));
    use = load_adapter_use(flags.adapter);
  }
  if (use) tell(other_base_note(flags.adapter, *use, *open.model));
  ModelConfig& config = open.model->config();
  open.own = config;
  tell(use ? stretch_as_trained(config, *use, flags) : stretch_as_asked(config, flags));
  if (open.adapter) use_trained_weights(*open.adapter, *open.model);
  open.use = use.value_or(AdapterUse());
  return open;
}

const Layout& choose_layout(const OpenModel& open, const ModelFlags& flags, const std::string& layout,
                            const Layout& otherwise) {
  const std::string& trained = open.use.layout;
  if (!trained.empty() && !layout.empty() && trained != layout) {
    throw_user_error("--layout ", layout, ": the adapter (", flags.adapter, "/tome.json) was trained with ",
                     in_quotes(trained), "; leave the flag out");
  }
  if (!trained.empty()) return layout_of_use(open.use, flags.adapter);
  return layout.empty() ? otherwise : find_layout(layout);
}

OpenTokenizer open_tokenizer(const fs::path& path) {
  OpenTokenizer open;
  if (fs::is_directory(path)) {
    open.tokenizer = make_tokenizer(path);
  } else if (path.extension() == ".gguf") {
    open.gguf = std::make_unique<GgufFile>(path);
    open.tokenizer = make_tokenizer(*open.gguf);
  } else {
    open.tokenizer = make_tiktoken_tokenizer(path);
  }
  return open;
}

void print_notes(const Document& document) {
  for (const std::string& warning : document.warnings) std::cerr << "note: " << one_line(warning) << '\n';
  if (document.empty_pages > 0) {
    std::cerr << "note: " << one_line(document.name) << ": " << document.empty_pages
              << (document.empty_pages == 1 ? " page has" : " pages have") << " no text (pictures?)\n";
  }
}

namespace {

// A number and the letters after it.
double leading_number(const std::string& flag, const std::string& text, const char* such_as, std::string* suffix) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !(value >= 0) || !std::isfinite(value)) {
    throw_user_error(flag, ": got \"", text, "\", expected ", such_as);
  }
  suffix->assign(end, text.data() + text.size());
  for (char& c : *suffix) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return value;
}

}  // namespace

std::int64_t parse_count(const std::string& flag, const std::string& text) {
  std::string suffix;
  double value = leading_number(flag, text, "a number such as 8k or 100000", &suffix);
  if (suffix == "k") {
    value *= 1024;
  } else if (suffix == "m") {
    value *= 1024 * 1024;
  } else if (!suffix.empty()) {
    throw_user_error(flag, ": got \"", text, "\", expected a number with nothing, k or m (1,024s) after it");
  }
  if (value < 1 || value > 1e9) throw_user_error(flag, ": got \"", text, "\", expected 1 to 1e9");
  return static_cast<std::int64_t>(value);
}

std::int64_t parse_bytes(const std::string& flag, const std::string& text) {
  std::string suffix;
  constexpr const char* kSuchAs = "a size such as 512MiB or 2GiB";
  const double value = leading_number(flag, text, kSuchAs, &suffix);
  const std::string units[] = {"b", "kib", "mib", "gib", "tib"};
  const std::string short_units[] = {"", "k", "m", "g", "t"};
  for (int i = 0; i < 5; ++i) {
    if (suffix != units[i] && suffix != short_units[i]) continue;
    const double bytes = value * std::pow(1024.0, i);
    constexpr double kMost = 1ull << 50;
    if (bytes > kMost) throw_user_error(flag, ": got \"", text, "\", expected at most 1024TiB");
    return static_cast<std::int64_t>(bytes);
  }
  throw_user_error(flag, ": got \"", text, "\", expected ", kSuchAs);
}

}  // namespace tome::cli
