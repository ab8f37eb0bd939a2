// What the commands share: the flags for model and threads, where models live, how sizes are written.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "base/threads.h"
#include "model/adapter_folder.h"
#include "model/model.h"
#include "ops/attention.h"
#include "text/layout.h"
#include "text/tokenizer.h"

namespace tome {
struct Document;
}

namespace tome::cli {

/// -m/--model, -t/--threads, --context, --rope-scaling, --exact, -q/--quiet: what every command that runs a model
/// takes.
struct ModelFlags {
  std::string model = "gemma";
  int threads = 0;  // 0: all usable cores
  std::string context;
  std::string rope_scaling;
  bool exact = false;
  std::string kv = "bf16";
  bool force = false;
  bool quiet = false;
  std::string adapter;  // a folder; empty: none

  void add_to(CLI::App& command);
  /// --adapter, for the commands that can use one; `otherwise` ends its description.
  void add_adapter_to(CLI::App& command, const std::string& otherwise = "");
  int thread_count() const;
  /// Throws UserError for a type that costs more than it should (docs/performance.md), unless --force.
  ops::KvType kv_type() const;
};

/// A model with its tokenizer, opened and stretched as the flags say, and the adapter that goes with it.
struct OpenModel {
  std::unique_ptr<Model> model;
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<Adapter> adapter;  // null: none
  AdapterUse use;                    // of the adapter; all empty without one
  ModelConfig own;                   // of the model as its file has it, not stretched

  /// Empty without an adapter.
  std::span<const LayerAdapter> adapters() const {
    return adapter ? adapter->layers() : std::span<const LayerAdapter>();
  }
  std::uint64_t adapter_fingerprint() const { return adapter ? adapter->fingerprint() : 0; }
};

/// A note for people when an adapter was trained on another file of the model; or empty.
std::string other_base_note(const std::string& adapter, const AdapterUse& use, const Model& model);

/// The layout that the tome.json of an adapter's folder asks for (not empty); a UserError names that file.
const Layout& layout_of_use(const AdapterUse& use, const std::string& adapter);

/// Notes (chosen RoPE scaling, an adapter of another base) go to stderr unless quiet. RoPE scaling comes from the
/// adapter's tome.json when it has one; a flag that contradicts it is a UserError.
OpenModel open_model(const ModelFlags& flags);

/// The adapter's own layout, else the one that --layout names, else `otherwise`. Throws UserError when the
/// flag contradicts the adapter.
const Layout& choose_layout(const OpenModel& open, const ModelFlags& flags, const std::string& layout,
                            const Layout& otherwise);

/// A tokenizer without its model's weights. A GGUF's pieces lie in `gguf`.
struct OpenTokenizer {
  std::unique_ptr<GgufFile> gguf;
  std::unique_ptr<Tokenizer> tokenizer;
};
/// From a .gguf file, a folder with tokenizer.json, or a tiktoken file (tokenizer.model).
OpenTokenizer open_tokenizer(const std::filesystem::path& path);

/// Warnings and pages without text, on stderr.
void print_notes(const Document& document);

/// $XDG_DATA_HOME/tome, or ~/.local/share/tome.
std::filesystem::path data_home();
/// data_home()/readings, or the folder that --store names.
std::filesystem::path store_folder(const std::string& flag);
/// Like std::filesystem::exists; false for a name too long to be one.
bool file_exists(const std::string& path);
/// A path as given, or the file of that name under data_home()/models. Throws UserError that names both places.
std::filesystem::path find_model(const std::string& name_or_path);

/// The adapter that `tome ask` uses unless told otherwise: the folder MODEL.answers beside the model's file
/// (MODEL.gguf) or folder; empty when there is none.
std::filesystem::path answering_adapter(const std::filesystem::path& model);

/// "8k" (1,024s), "100000", "2GiB", "512MiB". Throws UserError naming the flag.
std::int64_t parse_count(const std::string& flag, const std::string& text);
std::int64_t parse_bytes(const std::string& flag, const std::string& text);

}  // namespace tome::cli
