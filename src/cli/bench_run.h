// What the benchmarks of whole models share: what they measure, on which model, and how they say it.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/resources.h"
#include "cli/common.h"
#include "model/forward.h"
#include "model/plan.h"
#include "text/tokenizer.h"

namespace tome::cli {

struct BenchFlags {
  ModelFlags model;
  std::string shape, text, tokens = "8k", depth = "8k", folder = "/tmp";
  std::size_t layers = 2, chunk_rows = kDefaultChunkRows;
  int repeat = 1;
  bool json = false;

  void add_to(CLI::App& command);
};

struct BenchSubject {
  std::unique_ptr<Model> model;
  PlanModel plan;
};
/// The model, or random weights of the shape, with a window of `tokens`.
BenchSubject open_subject(const BenchFlags& flags, std::int64_t tokens);

/// The first `count` ids of --text, or numbers that mean nothing: the work is the same.
std::vector<TokenId> bench_ids(const BenchFlags& flags, const Model& model, std::size_t count);

double median(std::vector<double> values);

struct BenchFigures {
  double tokens = 0, seconds = 0;
  double used = 0;                                             // operations or bytes a second
  std::uint64_t rss = peak_rss(), anonymous = peak_private();  // before the machine's own peak is measured
  std::uint64_t planned_private = 0, spill = 0;                // 0: not said
};

/// One object, or one line for people. peak: of the machine, in the unit of `used`.
void report_bench(const BenchFlags& flags, const char* what, std::int64_t size, const BenchFigures& figures,
                  double peak);

}  // namespace tome::cli
