#include <gtest/gtest.h>

#include <cmath>

#include "formats/files.h"
#include "model/config.h"

namespace tome {
namespace {

/// SmolLM2's shape.
ModelConfig llama(std::int64_t window = 8192) {
  ModelConfig config;
  config.head_width = 64;
  config.rope_theta = 100000;
  config.context_length = window;
  return config;
}

TEST(StretchContext, LeavesAModelInsideItsWindowAlone) {
  for (const std::int64_t context : {0, 1, 8192}) {
    ModelConfig config = llama();
    EXPECT_EQ(stretch_context(config, context, ""), "");
    EXPECT_EQ(config.rope_scaling, RopeScaling());
    EXPECT_EQ(config.context_length, 8192);
  }
  ModelConfig config = llama();
  EXPECT_EQ(stretch_context(config, 100, "none"), "");
  EXPECT_EQ(config.context_length, 8192);
}

TEST(StretchContext, TakesYarnForLlamaAndLinearForGemma) {
  ModelConfig config = llama();
  const std::string line = stretch_context(config, 100000, "");
  EXPECT_EQ(line, "a window of 100352 tokens by RoPE scaling yarn:12.25:8192 (the model's own: 8192 tokens)");
  EXPECT_EQ(to_string(config.rope_scaling), "yarn:12.25:8192");
  EXPECT_EQ(config.context_length, 100352);

  ModelConfig gemma = llama(32768);
  gemma.family = Family::kGemma3;
  EXPECT_NE(stretch_context(gemma, 32769, ""), "");
  EXPECT_EQ(to_string(gemma.rope_scaling), "linear:1.25:32768");
  EXPECT_EQ(gemma.context_length, 40960);
}

TEST(StretchContext, StretchesAFilesOwnScalingFurther) {
  ModelConfig config = llama(16384);
  config.rope_scaling.kind = RopeKind::kYarn;
  config.rope_scaling.factor = 4;
  config.rope_scaling.original_context = 4096;
  config.rope_scaling.beta_fast = 24;
  config.rope_scaling.attention_factor = 1.25;
  stretch_context(config, 32768, "");
  EXPECT_EQ(to_string(config.rope_scaling), "yarn:8:4096");
  EXPECT_EQ(config.rope_scaling.beta_fast, 24);
  EXPECT_EQ(config.rope_scaling.attention_factor, 0);

  ModelConfig linear = llama(131072);  // Gemma 3 4B: factor 8 is part of it
  linear.family = Family::kGemma3;
  linear.rope_scaling.kind = RopeKind::kLinear;
  linear.rope_scaling.factor = 8;
  stretch_context(linear, 262144, "");
  EXPECT_EQ(to_string(linear.rope_scaling), "linear:16:16384");
  EXPECT_EQ(linear.context_length, 262144);
}

TEST(StretchContext, AFlagReplacesAFilesScaling) {
  ModelConfig config = llama(16384);
  config.rope_scaling.kind = RopeKind::kYarn;
  config.rope_scaling.factor = 4;
  config.rope_scaling.original_context = 4096;
  stretch_context(config, 32768, "ntk:8");
  EXPECT_EQ(to_string(config.rope_scaling), "ntk:8:4096");
  stretch_context(config, 0, "none");
  EXPECT_EQ(config.rope_scaling, RopeScaling());
  EXPECT_EQ(config.context_length, 4096);
}

TEST(StretchContext, KeepsLlama3BeneathWhatItAdds) {
  ModelConfig config = llama(131072);
  config.head_width = 128;
  config.rope_theta = 500000;
  config.rope_scaling.kind = RopeKind::kLlama3;
  config.rope_scaling.factor = 8;
  config.rope_scaling.original_context = 8192;
  const Rope before(128, 500000, config.rope_scaling);
  ModelConfig unchanged = config;
  EXPECT_EQ(stretch_context(unchanged, 0, "none"), "");
  EXPECT_EQ(unchanged.rope_scaling, config.rope_scaling);
  stretch_context(config, 200000, "");
  EXPECT_EQ(to_string(config.rope_scaling), "yarn:1.75:131072");
  EXPECT_EQ(config.rope_scaling.frequency_factors.size(), 64u);
  const Rope after(128, 500000, config.rope_scaling);
  EXPECT_NEAR(after.frequencies().front(), before.frequencies().front(), 1e-6);
  EXPECT_NEAR(after.frequencies().back() * 1.75f, before.frequencies().back(), 1e-12);

  ModelConfig gguf = llama(131072);
  gguf.rope_scaling.frequency_factors.assign(32, 2.0f);
  stretch_context(gguf, 0, "linear:2");
  EXPECT_EQ(gguf.rope_scaling.frequency_factors, std::vector<float>(32, 2.0f));
}

TEST(StretchContext, RefusesAScalingThatDoesNotReach) {
  ModelConfig config = llama();
  expect_user_error([&] { stretch_context(config, 100000, "yarn:4"); },
                    "'yarn:4' reaches 32768 tokens and the context is 100000");
  expect_user_error([&] { stretch_context(config, 8193, "none"); }, "'none' reaches 8192 tokens");
  expect_user_error([&] { stretch_context(config, 100000, "mystery"); }, "mystery");
  expect_user_error([&] { stretch_context(config, std::int64_t{1} << 60, ""); }, "no RoPE scaling makes");
  EXPECT_EQ(config.rope_scaling, RopeScaling());
  EXPECT_EQ(config.context_length, 8192);
  EXPECT_NE(stretch_context(config, 32768, "yarn:4"), "");
}

}  // namespace
}  // namespace tome
