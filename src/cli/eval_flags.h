// The flags of tome eval.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/common.h"
#include "eval/task.h"

namespace tome::cli {

/// A model behind an API.
struct ServiceName {
  std::string api;  // "openai", "openai-completions", "anthropic"; empty: none
  std::string url, model, key_variable;
};

/// One that answers, and how services are asked.
struct ServiceFlags {
  ServiceName who;
  std::string prices;
  double timeout = 600, requests_per_minute = 0, cost_limit = 0;
  int retries = 6, concurrency = 1;
  bool yes = false;

  void add_to(CLI::App& command);
};

/// Who judges answers besides.
struct JudgeFlags {
  bool on = false;
  ServiceName who = {"openai", "", "", ""};
  std::vector<std::string> tasks;  // besides those that want a judge

  void add_to(CLI::App& command);
};

/// Who answers: the model, unless a service or a file of answers is named.
struct AnswererFlags {
  ModelFlags model;
  ServiceFlags service;
  std::string tokenizer, layout;
  std::string answers;  // a file of earlier answers
};

struct EvalFlags : AnswererFlags {
  std::string out, samples_from;
  std::vector<std::string> tasks, lengths, depths, data, settings;
  std::int64_t samples = 0, shots = 0;
  std::uint64_t seed = 1;
  std::string too_long = "error";
  JudgeFlags judge;
  std::string retrieve, passages = "3", passage_tokens = "512", embeddings_url, embeddings_model,
                        embeddings_key_variable;
  bool no_document = false, list = false;

  void add_to(CLI::App& command);
  /// Throws UserError naming the flag. `count_tokens` is left empty.
  eval::TaskRequest request() const;
};

}  // namespace tome::cli
