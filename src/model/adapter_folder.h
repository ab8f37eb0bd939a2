// An adapter on disk: a PEFT folder (adapter_config.json, adapter_model.safetensors), and beside it tome.json and a
// README.md that say how the adapter is meant to be used.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "model/adapter.h"

namespace tome {

/// What an adapter was trained with and is used with (tome.json; docs/file-formats.md).
struct AdapterUse {
  std::string base_model;              // its name, for people and for PEFT
  std::uint64_t base_fingerprint = 0;  // Model::fingerprint() of the untrained model; 0: not known
  std::string rope_scaling;            // as --rope-scaling spells it; empty: the model's own
  std::int64_t window = 0;             // tokens of the stretched or own window; 0: not known
  std::string layout;                  // how text and question were put; empty: not stated

  bool operator==(const AdapterUse&) const = default;
};

/// How `trained` differs from the model as its file has it, `own`, in the spelling of --rope-scaling.
std::string rope_scaling_of_use(const ModelConfig& own, const ModelConfig& trained);

/// Reads a PEFT folder for a model of `config`: F32, F16 or BF16 tensors. Throws UserError naming file and key or
/// tensor for settings that tome does not do, tensors that are missing, of another shape or used by nothing, and
/// numbers that are not finite.
Adapter load_adapter(const std::filesystem::path& folder, const ModelConfig& config);

/// tome.json; std::nullopt when the folder has none (it came from PEFT).
std::optional<AdapterUse> load_adapter_use(const std::filesystem::path& folder);

/// Writes all four files, in f32, into `folder`, which is made if need be; older files of these names are replaced once
/// all new ones are complete. `config`: the model as it was trained (its RoPE scaling).
void save_adapter(const std::filesystem::path& folder, const Adapter& adapter, const ModelConfig& config,
                  const AdapterUse& use);

}  // namespace tome
