// The flags of tome eval.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/common.h"
#include "eval/task.h"

namespace tome::cli {

struct EvalFlags {
  ModelFlags model;
  std::string out, samples_from;
  std::vector<std::string> tasks, lengths, depths, data, settings;
  std::int64_t samples = 0, shots = 0;
  std::uint64_t seed = 1;
  std::string tokenizer, layout, too_long = "error";
  std::string answers;  // a file of earlier answers instead of a model
  std::string retrieve, passages = "3", passage_tokens = "512";
  bool no_document = false, list = false;

  void add_to(CLI::App& command);
  /// Throws UserError naming the flag. `count_tokens` is left empty.
  eval::TaskRequest request() const;
};

}  // namespace tome::cli
