// The flags of tome train, on the command line and in a settings file.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/settings.h"
#include "model/adapter.h"
#include "train/trainer.h"

namespace tome::cli {

inline constexpr const char* kMatrixNames[] = {"q", "k", "v", "o", "gate", "up", "down"};

struct TrainFlags {
  std::string model = "gemma", context, rope_scaling, layout, out, dtype = "bf16";
  std::vector<std::string> data, validation, matrices, train_also;
  int threads = 0;
  bool quiet = false, skip_bad = false, no_pack = false, dry_run = false;
  std::string begin;  // the folder of an adapter to go on with; empty: a new one
  AdapterSettings adapter;
  TrainerOptions trainer;
  std::int64_t steps = 0;  // 0: by epochs
  double epochs = 1;
  std::string schedule = "cosine", train_on = "answers", keep = "auto", activations, memory, pose;
  std::string moments = "8bit";
  std::int64_t samples = 3;
  CommandSettings settings;  // of --settings

  void add_to(CLI::App& command);
  /// Once the command line is parsed: takes the settings file's values, sets adapter.matrices and adapter.norms, and
  /// refuses flags that contradict one another.
  void finish(const CLI::App& command);
  /// Takes the settings of the adapter to go on with. Throws UserError for a flag that contradicts them.
  void go_on_with(const AdapterSettings& trained);

 private:
  const CLI::App* command_ = nullptr;

  void add_data_flags(CLI::App& command);
  void add_length_flags(CLI::App& command);
  void add_adapter_flags(CLI::App& command);
  void add_optimizer_flags(CLI::App& command);
  void add_validation_flags(CLI::App& command);
  void add_machine_flags(CLI::App& command);
};

/// Of the LoRA pairs, as --matrices has them.
std::vector<std::string> matrix_names(const AdapterSettings& settings);

}  // namespace tome::cli
