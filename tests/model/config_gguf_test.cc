#include <gtest/gtest.h>

#include <cmath>

#include "formats/files.h"
#include "model/config.h"
#include "model/config_files.h"
#include "model/gguf_draft.h"

namespace tome {
namespace {

class ConfigGguf : public testing::Test {
 protected:
  ModelConfig read(const Draft& draft) const { return read_config(GgufFile(draft.write(scratch_))); }
  ModelConfig read(const Draft& base, const std::map<std::string, Draft::Value>& changed) const {
    Draft draft = base;
    for (const auto& [key, value] : changed) draft.keys[key] = value;
    return read(draft);
  }
  /// The error must name `part`, and begin with the file.
  void refused(const Draft& base, const std::map<std::string, Draft::Value>& changed, const std::string& part) const {
    SCOPED_TRACE(part);
    const auto act = [&] {
      try {
        read(base, changed);
      } catch (const UserError& error) {
        EXPECT_THAT(error.what(), testing::StartsWith((scratch_.path() / "model.gguf").string() + ": "));
        throw;
      }
    };
    expect_user_error(act, part);
  }
  Scratch scratch_;
};

TEST_F(ConfigGguf, ReadsLlama) {
  EXPECT_EQ(
      described(read(llama())),
      "llama layers 2 width 8 heads 2/1 x 4 ff 12 vocabulary 7 epsilon 1e-05 context 64 window 0 sliding gg theta "
      "500000 0 scaling none betas 32 1 attention factor 0 mscale 0 0 truncate 1 low/high 1 4 factors 0 pairs scale "
      "0.5 embedding 1 tied");
  EXPECT_EQ(read(llama()).name, "Tiny?llama");
  Draft untied = llama();
  untied.tensors["output.weight"] = {7, 8};
  EXPECT_FALSE(read(untied).tied_output);
  Draft sparse = llama();
  for (const char* key : {"llama.rope.dimension_count", "llama.rope.freq_base", "llama.vocab_size", "general.name"}) {
    sparse.keys.erase(key);
  }
  EXPECT_EQ(read(sparse).rope_theta, 10000);
  EXPECT_EQ(read(sparse).name, "");
}

TEST_F(ConfigGguf, ReadsGemma) {
  EXPECT_EQ(
      described(read(gemma3())),
      "gemma3 layers 7 width 8 heads 2/1 x 6 ff 12 vocabulary 7 epsilon 1e-06 context 64 window 16 sliding sssssgs "
      "theta 1e+06 10000 scaling none betas 32 1 attention factor 0 mscale 0 0 truncate 1 low/high 1 4 factors 0 "
      "halves scale 0.408248 embedding 2.82843 tied");
  const ModelConfig scaled = read(gemma3(), {{"gemma3.rope.scaling.type", "linear"},
                                             {"gemma3.rope.scaling.factor", 8.0f},
                                             {"gemma3.rope.freq_base_swa", 5000.0f}});
  EXPECT_EQ(to_string(scaled.rope_scaling), "linear:8");
  EXPECT_EQ(scaled.rope_theta_sliding, 5000);
}

TEST_F(ConfigGguf, ReadsBothKindsOfSlidingPattern) {
  constexpr const char* kKey = "gemma3.attention.sliding_window_pattern";
  EXPECT_EQ(read(gemma3(), {{kKey, 3u}}).sliding, (std::vector<bool>{1, 1, 0, 1, 1, 0, 1}));
  const std::vector<bool> listed{1, 0, 0, 1, 1, 0, 0};
  EXPECT_EQ(read(gemma3(), {{kKey, listed}}).sliding, listed);
  refused(gemma3(), {{kKey, 0u}}, "sliding_window_pattern': got 0");
  refused(gemma3(), {{kKey, std::vector<bool>{1, 0}}}, "sliding_window_pattern': got 2 entries for 7 layers");
  refused(gemma3(), {{kKey, "all"}}, "sliding_window_pattern");
}

TEST_F(ConfigGguf, KnowsTheLargestGemmaByItsLayers) {
  EXPECT_FLOAT_EQ(read(gemma3(62)).attention_scale, 0.5f);  // (8 / 2)^-0.5 instead of 6^-0.5
  EXPECT_FLOAT_EQ(read(gemma3(48)).attention_scale, 1 / std::sqrt(6.0f));
}

TEST_F(ConfigGguf, ReadsRopeScaling) {
  const auto scaling = [&](const std::map<std::string, Draft::Value>& keys) { return read(llama(), keys); };
  EXPECT_EQ(to_string(scaling({{"llama.rope.scaling.type", "none"}, {"llama.rope.scaling.factor", 4.0f}}).rope_scaling),
            "none");
  EXPECT_EQ(to_string(scaling({{"llama.rope.scale_linear", 4.0f}}).rope_scaling), "linear:4");
  EXPECT_EQ(to_string(scaling({{"llama.rope.scaling.factor", 0.0f}}).rope_scaling), "none");
  const ModelConfig yarn = scaling({{"llama.rope.scaling.type", "yarn"},
                                    {"llama.rope.scaling.factor", 4.0f},
                                    {"llama.rope.scaling.original_context_length", 32u},
                                    {"llama.rope.scaling.finetuned", true},
                                    {"llama.rope.scaling.yarn_beta_fast", 24.0f},
                                    {"llama.rope.scaling.yarn_beta_slow", 2.0f},
                                    {"llama.rope.scaling.attn_factor", 2.0f}});
  EXPECT_EQ(to_string(yarn.rope_scaling), "yarn:4:32");
  EXPECT_EQ(yarn.context_length, 128);
  EXPECT_EQ(yarn.rope_scaling.beta_fast, 24);
  EXPECT_EQ(yarn.rope_scaling.beta_slow, 2);
  EXPECT_DOUBLE_EQ(yarn.rope_scaling.attention_factor, 2 * (0.1 * std::log(4.0) + 1));
  Draft llama3 = llama();
  llama3.tensors["rope_freqs.weight"] = {2};
  llama3.fill["rope_freqs.weight"] = 8.0f;
  EXPECT_EQ(read(llama3).rope_scaling.frequency_factors, (std::vector<float>{8, 8}));
}

TEST_F(ConfigGguf, RefusesRopeScalingsItDoesNotCompute) {
  refused(llama(), {{"llama.rope.scaling.type", "longrope"}}, "rope.scaling.type': got 'longrope'");
  refused(llama(), {{"llama.rope.scaling.factor", 0.5f}}, "rope.scaling.factor': got 0.5");
  refused(llama(), {{"llama.rope.scaling.factor", std::nanf("")}}, "rope.scaling.factor': got nan");
  refused(llama(), {{"llama.rope.scaling.attn_factor", 2.0f}}, "rope.scaling.attn_factor");
  refused(llama(), {{"llama.rope.scaling.yarn_log_multiplier", 0.1f}}, "yarn_log_multiplier");
  refused(llama(), {{"llama.rope.scaling.yarn_ext_factor", 0.5f}}, "yarn_ext_factor");
  refused(llama(), {{"llama.rope.dimension_count", 2u}}, "rope.dimension_count': got 2");
  for (const float factor : {0.0f, -1.0f, std::nanf(""), INFINITY}) {
    Draft draft = llama();
    draft.tensors["rope_freqs.weight"] = {2};
    draft.fill["rope_freqs.weight"] = factor;
    refused(draft, {}, "tensor 'rope_freqs.weight': got a factor of");
    draft.tensors["rope_freqs.weight"] = {3};
    refused(draft, {}, "tensor 'rope_freqs.weight': got shape [3]");
  }
}

TEST_F(ConfigGguf, RefusesKeysThatMayChangeTheMathematics) {
  refused(llama(), {{"general.architecture", "qwen2"}}, "'general.architecture': got 'qwen2'");
  refused(llama(), {{"llama.mystery", 1u}}, "metadata key 'llama.mystery' is unknown");
  refused(llama(), {{"llama.expert_count", 8u}}, "expert_count': got 8");
  refused(llama(), {{"llama.attention.sliding_window", 4096u}}, "sliding_window': got 4096");
  refused(llama(), {{"llama.attention.causal", false}}, "attention.causal");
  refused(llama(), {{"llama.logit_scale", 0.5f}}, "logit_scale");
  refused(llama(), {{"llama.attention.value_length", 8u}}, "value_length': got 8");
  refused(gemma3(), {{"gemma3.final_logit_softcapping", 30.0f}}, "final_logit_softcapping': got 30");
  EXPECT_NO_THROW(read(llama(), {{"llama.expert_count", 0u},
                                 {"llama.attention.causal", true},
                                 {"llama.logit_scale", 1.0f},
                                 {"tokenizer.anything", 1u},
                                 {"llama2.anything", 1u}}));
}

TEST_F(ConfigGguf, RefusesImplausibleAndMissingValues) {
  refused(llama(), {{"llama.block_count", 0u}}, "block_count': got 0, expected 1 to 1000");
  refused(llama(), {{"llama.block_count", 1001u}}, "block_count': got 1001");
  refused(llama(), {{"llama.block_count", 2.0f}}, "'llama.block_count' is not an integer");
  refused(llama(), {{"llama.embedding_length", 1u << 31}}, "embedding_length");
  refused(llama(), {{"llama.feed_forward_length", 0u}}, "feed_forward_length");
  refused(llama(), {{"llama.attention.head_count", 0u}}, "head_count': got 0");
  refused(llama(), {{"llama.attention.head_count", 3u}}, "head_count': got 3, which does not divide");
  refused(llama(), {{"llama.attention.head_count_kv", 3u}}, "2 heads and 3 key-value heads");
  refused(llama(), {{"llama.attention.key_length", 258u}}, "key_length': got 258");
  refused(gemma3(), {{"gemma3.attention.key_length", 7u}, {"gemma3.attention.value_length", 7u}},
          "got 7, expected an even");
  refused(llama(), {{"llama.attention.head_count", 8u}, {"llama.rope.dimension_count", 1u}}, "key_length': got 1");
  refused(llama(), {{"llama.context_length", 0u}}, "context_length': got 0");
  refused(llama(), {{"llama.rope.freq_base", 1.0f}}, "freq_base': got 1");
  for (const float epsilon : {0.0f, 1.0f, -1e-5f, std::nanf("")}) {
    refused(llama(), {{"llama.attention.layer_norm_rms_epsilon", epsilon}}, "layer_norm_rms_epsilon': got");
  }
  for (const char* key : {"gemma3.block_count", "gemma3.attention.sliding_window", "gemma3.rope.freq_base",
                          "gemma3.context_length", "gemma3.attention.layer_norm_rms_epsilon", "general.architecture"}) {
    Draft draft = gemma3();
    draft.keys.erase(key);
    refused(draft, {}, "'" + std::string(key) + "' is missing");
  }
}

TEST_F(ConfigGguf, RefusesTensorsThatDoNotFit) {
  for (const auto& [name, shape] : gemma3(1).tensors) {
    Draft missing = gemma3(1);
    missing.tensors.erase(name);
    refused(missing, {}, "tensor '" + name + "'");
    Draft larger = gemma3(1);
    larger.tensors[name].back() += 1;
    refused(larger, {}, "got shape [");
  }
  for (const char* name : {"blk.2.attn_q.weight", "blk.0.attn_q.bias", "blk.0.ffn_gate_inp.weight", "output_norm.bias",
                           "blk.0.attn_q_norm.weight", "blk.00.attn_q.weight", "v.blk.0.attn_q.weight"}) {
    Draft draft = llama();
    draft.tensors[name] = {8};
    refused(draft, {}, "tensor '" + std::string(name) + "' of shape [8] is used by nothing");
  }
  Draft flat = llama();
  flat.tensors["token_embd.weight"] = {56};
  refused(flat, {}, "'token_embd.weight': got shape [56]");
  Draft more_tokens = llama();
  more_tokens.tensors["token_embd.weight"] = {8, 8};
  refused(more_tokens, {}, "key 'tokenizer.ggml.tokens': got 7 tokens, expected 8");
  Draft turned = llama();
  turned.tensors["blk.1.ffn_down.weight"] = {12, 8};
  refused(turned, {}, "'blk.1.ffn_down.weight': got shape [12, 8], expected [8, 12]");
}

std::filesystem::path models_folder() {
  if (const char* data = std::getenv("XDG_DATA_HOME")) return std::filesystem::path(data) / "tome/models";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home == nullptr ? "/" : home) / ".local/share/tome/models";
}

TEST(ConfigGgufRealModel, Gemma) {
  const std::filesystem::path path = models_folder() / "gemma.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path << "; ./run setup fetches it";
  EXPECT_EQ(
      described(read_config(GgufFile(path))),
      "gemma3 layers 18 width 640 heads 4/1 x 256 ff 2048 vocabulary 262144 epsilon 1e-06 context 32768 window 512 "
      "sliding sssssgsssssgsssssg theta 1e+06 10000 scaling none betas 32 1 attention factor 0 mscale 0 0 truncate 1 "
      "low/high 1 4 factors 0 halves scale 0.0625 embedding 25.2982 tied");
}

TEST(ConfigGgufRealModel, Smollm2) {
  const std::filesystem::path path = models_folder() / "smollm2.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path << "; ./run setup fetches it";
  EXPECT_EQ(
      described(read_config(GgufFile(path))),
      "llama layers 30 width 576 heads 9/3 x 64 ff 1536 vocabulary 49152 epsilon 1e-05 context 8192 window 0 "
      "sliding gggggggggggggggggggggggggggggg theta 100000 0 scaling none betas 32 1 attention factor 0 mscale 0 0 "
      "truncate 1 low/high 1 4 factors 0 pairs scale 0.125 embedding 1 tied");
}

}  // namespace
}  // namespace tome
