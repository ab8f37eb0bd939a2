// Open models that tome can run, with the figures that choosing one needs.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tome::cli {

/// Figures from the publishers' pages and config files.
struct KnownModel {
  std::string_view name;    // for tome pull and -m
  std::string_view source;  // hf:owner/repo/file; "pypi": the Python package index
  std::string_view licence;
  bool tried;           // this project measures it; the others should run, but nobody here has tried them
  double download_mb;   // 10^6 bytes
  std::int64_t window;  // tokens it was made for
  std::int64_t layers, width, heads, kv_heads, head_width, feed_forward;
  std::int64_t global_layers;   // layers that see the whole text
  std::int64_t sliding_window;  // of the others
};

std::span<const KnownModel> known_models();
/// nullptr: not one of them.
const KnownModel* find_known_model(std::string_view name);

/// What reading `tokens` tokens takes.
struct ReadingCost {
  double disk_bytes = 0;  // of the kept reading (bf16)
  double ram_bytes = 0;   // private memory: residual stream, one layer's keys and values, one layer's weights unpacked
  double flops = 0;       // matrix products and attention
};
ReadingCost reading_cost(const KnownModel& model, std::int64_t tokens);

}  // namespace tome::cli
