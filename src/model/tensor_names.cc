#include "model/tensor_names.h"

#include <array>

namespace tome {
namespace {

struct Names {
  std::string_view gguf, folder;
};

constexpr std::array<Names, kMatrices.size()> kMatrixNames{{{"attn_q", "self_attn.q_proj"},
                                                            {"attn_k", "self_attn.k_proj"},
                                                            {"attn_v", "self_attn.v_proj"},
                                                            {"attn_output", "self_attn.o_proj"},
                                                            {"ffn_gate", "mlp.gate_proj"},
                                                            {"ffn_up", "mlp.up_proj"},
                                                            {"ffn_down", "mlp.down_proj"}}};

constexpr std::array<Names, kNorms.size()> kGemmaNorms{{{"attn_norm", "input_layernorm"},
                                                        {"ffn_norm", "pre_feedforward_layernorm"},
                                                        {"attn_q_norm", "self_attn.q_norm"},
                                                        {"attn_k_norm", "self_attn.k_norm"},
                                                        {"post_attention_norm", "post_attention_layernorm"},
                                                        {"post_ffw_norm", "post_feedforward_layernorm"}}};

constexpr std::array<Names, kNorms.size()> kLlamaNorms{
    {{"attn_norm", "input_layernorm"}, {"ffn_norm", "post_attention_layernorm"}, {}, {}, {}, {}}};

const Names& names(Matrix matrix) { return kMatrixNames[static_cast<std::size_t>(matrix)]; }
const Names& names(Norm norm, Family family) {
  return (family == Family::kGemma3 ? kGemmaNorms : kLlamaNorms)[static_cast<std::size_t>(norm)];
}

}  // namespace

std::string_view gguf_name(Matrix matrix) { return names(matrix).gguf; }
std::string_view folder_name(Matrix matrix) { return names(matrix).folder; }
std::string_view gguf_name(Norm norm, Family family) { return names(norm, family).gguf; }
std::string_view folder_name(Norm norm, Family family) { return names(norm, family).folder; }

}  // namespace tome
