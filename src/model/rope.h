// Rotary position embeddings and the ways to stretch them.
// RoPE: arXiv 2104.09864. Linear: arXiv 2306.15595. NTK-aware: theta * s^(C / (C - 2)). YaRN: arXiv 2309.00071.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tome {

enum class RopeKind { kNone, kLinear, kNtk, kDynamicNtk, kYarn, kLlama3 };

/// How positions are stretched beyond the trained window; plain data, equal settings give equal tables.
struct RopeScaling {
  RopeKind kind = RopeKind::kNone;
  double factor = 1;                  // s >= 1: stretched window / original window
  std::int64_t original_context = 0;  // tokens the model was trained for before stretching (YaRN, llama3, dynamic NTK)
  double beta_fast = 32, beta_slow = 1;   // YaRN
  double attention_factor = 0;            // YaRN: multiplies cos and sin; 0: computed as the paper has it
  double mscale = 0, mscale_all_dim = 0;  // YaRN as DeepSeek's files have it; 0: absent
  bool truncate = true;                   // YaRN: round the correction range outwards
  double low_frequency_factor = 1, high_frequency_factor = 4;  // llama3
  std::vector<float> frequency_factors;  // [C / 2] from a GGUF's rope_freqs.weight: divide the frequencies; or empty

  bool operator==(const RopeScaling&) const = default;
};

/// "linear", "yarn", ...; the spelling of --rope-scaling and of reports.
std::string to_string(const RopeScaling& scaling);

/// Parses --rope-scaling: "none", "linear:8", "ntk:4", "dynamic:4", "yarn:4", "llama3:8", optionally with the original
/// window ("yarn:4:8192"). Throws UserError naming the flag, the word and what is expected.
RopeScaling parse_rope_scaling(const std::string& text, std::int64_t context_length);

/// Frequencies of one rotary embedding.
class Rope {
 public:
  /// head_width C even; `tokens` is the length of the whole input, which dynamic NTK needs.
  Rope(std::size_t head_width, double theta, const RopeScaling& scaling, std::int64_t tokens = 0);

  /// cosine and sine [positions.size()][C / 2], the attention factor included.
  void table(std::span<const std::int64_t> positions, std::span<float> cosine, std::span<float> sine) const;

  const std::vector<float>& frequencies() const { return frequencies_; }  // [C / 2], radians a token
  float attention_factor() const { return attention_factor_; }

 private:
  std::vector<float> frequencies_;
  float attention_factor_ = 1;
};

}  // namespace tome
