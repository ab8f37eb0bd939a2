// PEFT's adapter_config.json: which modules of a model an adapter changes, and how.
// https://huggingface.co/docs/peft/package_reference/lora
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "model/adapter.h"
#include "model/module_pattern.h"

namespace tome {

/// What an adapter_config.json says, strictly read.
class PeftConfig {
 public:
  /// Throws UserError naming file and key for anything that changes the mathematics and that tome does not do.
  explicit PeftConfig(const std::filesystem::path& path);

  double alpha = 0, dropout = 0;
  std::size_t rank = 0;
  bool rank_stabilised = false;
  bool ties_weights = false;  // a trained embedding is the output matrix too

  /// True when target_modules is a regular expression: then only the tensors tell what it chose.
  bool targets_by_pattern() const { return target_pattern_; }
  /// Whether the module ("model.layers.0.self_attn.q_proj") has a pair A, B.
  bool has_pair(const std::string& module, std::size_t layer) const;
  /// Rank and alpha of a module that has a pair: rank_pattern and alpha_pattern, or r and lora_alpha.
  PairSettings pair(const std::string& module) const;
  /// Whether the whole module was trained ("model.norm").
  bool is_saved(const std::string& module) const;

 private:
  bool all_linear_ = false, target_pattern_ = false, chooses_layers_ = false;
  std::vector<std::string> targets_, excluded_, saved_;
  std::vector<std::int64_t> layers_;
  // In the file's order: of several that match, PEFT takes the first.
  std::vector<std::pair<ModulePattern, std::size_t>> ranks_;
  std::vector<std::pair<ModulePattern, double>> alphas_;
};

/// The file's text for an adapter of a model of `config`. `base_model`: where PEFT finds the model.
std::string make_peft_config(const Adapter& adapter, const ModelConfig& config, const std::string& base_model);

}  // namespace tome
