#include "model/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "formats/files.h"
#include "memory_file.h"
#include "model/config.h"

namespace tome {
namespace {

using nlohmann::json;

/// The scaling of a golden, read as that of any model is.
ModelConfig config_of(const json& golden) {
  json parameters = golden.at("rope_parameters");
  parameters["rope_theta"] = golden.at("theta");
  const json config = {{"model_type", "llama"},
                       {"vocab_size", 32},
                       {"hidden_size", golden.at("head_width")},
                       {"intermediate_size", 32},
                       {"num_hidden_layers", 1},
                       {"num_attention_heads", 1},
                       {"max_position_embeddings", golden.at("window")},
                       {"rope_parameters", parameters}};
  const MemoryFile file(config.dump());
  return read_config(file.path());
}

TEST(Rope, FrequenciesAreThoseOfTransformers) {
  // transformers takes f32 powers: the exponent is off by up to 2^-24 of itself, the power by ln(theta) = 16 times
  // that.
  constexpr double kBound = 1e-6;
  std::ifstream file(std::filesystem::path(TOME_GOLDEN_DIR) / "rope.json");
  const json goldens = json::parse(file);
  EXPECT_EQ(goldens.size(), 84u);
  for (const json& golden : goldens) {
    const ModelConfig config = config_of(golden);
    const Rope rope(config.head_width, config.rope_theta, config.rope_scaling, golden.at("tokens"));
    const std::string name =
        golden.at("name").get<std::string>() + " " + golden.at("head_width").dump() + " " + golden.at("theta").dump();
    ASSERT_EQ(rope.frequencies().size(), golden.at("inv_freq").size());
    for (std::size_t i = 0; i < rope.frequencies().size(); ++i) {
      const double expected = golden.at("inv_freq")[i];
      EXPECT_NEAR(static_cast<double>(rope.frequencies()[i]), expected, kBound * expected) << name << ", " << i;
    }
    EXPECT_FLOAT_EQ(rope.attention_factor(), golden.at("attention_factor").get<float>()) << name;
  }
}

TEST(Rope, NtkIsAnotherTheta) {
  RopeScaling ntk;
  ntk.kind = RopeKind::kNtk;
  ntk.factor = 4;
  const Rope rope(64, 10000, ntk), plain(64, 10000 * std::pow(4.0, 64.0 / 62), {});
  EXPECT_EQ(rope.frequencies(), plain.frequencies());
  EXPECT_EQ(rope.frequencies().front(), 1.0f);
  EXPECT_NEAR(rope.frequencies().back(), Rope(64, 10000, {}).frequencies().back() / 4, 1e-10);
}

TEST(Rope, FactorsOfAFileDivideTheFrequenciesBeforeAnyScaling) {
  RopeScaling scaling;
  scaling.frequency_factors = {1, 2, 4, 8.5f};
  const Rope plain(8, 10000, {}), divided(8, 10000, scaling);
  scaling.kind = RopeKind::kLinear;
  scaling.factor = 2;
  const Rope both(8, 10000, scaling);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_FLOAT_EQ(divided.frequencies()[i], plain.frequencies()[i] / scaling.frequency_factors[i]);
    EXPECT_FLOAT_EQ(both.frequencies()[i], divided.frequencies()[i] / 2);
  }
}

TEST(Rope, Llama3IsTheSameAsScalingAndAsFactors) {
  RopeScaling llama3;
  llama3.kind = RopeKind::kLlama3;
  llama3.factor = 8;
  llama3.original_context = 8192;
  const Rope scaled(128, 500000, llama3), plain(128, 500000, {});
  RopeScaling as_factors;  // what llama.cpp's converter writes to rope_freqs.weight
  for (std::size_t i = 0; i < 64; ++i) {
    as_factors.frequency_factors.push_back(plain.frequencies()[i] / scaled.frequencies()[i]);
  }
  EXPECT_EQ(as_factors.frequency_factors.front(), 1.0f);
  EXPECT_EQ(as_factors.frequency_factors.back(), 8.0f);
  const Rope by_factors(128, 500000, as_factors);
  for (std::size_t i = 0; i < 64; ++i) {
    EXPECT_NEAR(by_factors.frequencies()[i], scaled.frequencies()[i], 2e-7f * scaled.frequencies()[i]);
  }
}

TEST(Rope, DynamicNtkIsPlainInsideTheWindow) {
  RopeScaling dynamic;
  dynamic.kind = RopeKind::kDynamicNtk;
  dynamic.factor = 4;
  dynamic.original_context = 100;
  for (const std::int64_t tokens : {0, 50, 100}) {
    EXPECT_EQ(Rope(16, 10000, dynamic, tokens).frequencies(), Rope(16, 10000, {}).frequencies());
  }
  EXPECT_NE(Rope(16, 10000, dynamic, 101).frequencies(), Rope(16, 10000, {}).frequencies());
}

TEST(Rope, TableHoldsCosineAndSineOfEachAngle) {
  RopeScaling yarn;
  yarn.kind = RopeKind::kYarn;
  yarn.factor = 16;
  yarn.original_context = 8192;
  const Rope rope(10, 100000, yarn);
  const std::vector<std::int64_t> positions = {0, 1, 7, 8191, 8192, 99999, 100000, (1 << 24) + 1, 3};
  std::vector<float> cosine(positions.size() * 5), sine(cosine.size());
  rope.table(positions, cosine, sine);
  EXPECT_NEAR(rope.attention_factor(), 0.1 * std::log(16.0) + 1, 1e-7);
  for (std::size_t t = 0; t < positions.size(); ++t) {
    for (std::size_t i = 0; i < 5; ++i) {
      const long double angle = static_cast<long double>(positions[t]) * rope.frequencies()[i];
      // Two f32 roundings of a number below 1.3: 1.2e-7.
      EXPECT_NEAR(cosine[t * 5 + i], static_cast<double>(std::cos(angle)) * rope.attention_factor(), 1.3e-7);
      EXPECT_NEAR(sine[t * 5 + i], static_cast<double>(std::sin(angle)) * rope.attention_factor(), 1.3e-7);
    }
  }
}

TEST(Rope, RefusesWhatCallersMustNotAsk) {
  std::vector<float> cosine(4), sine(3);
  const std::vector<std::int64_t> positions = {0};
  EXPECT_THROW(Rope(8, 10000, {}).table(positions, cosine, sine), InternalError);
  EXPECT_THROW(Rope(7, 10000, {}), InternalError);
  EXPECT_THROW(Rope(8, 1, {}), InternalError);
  RopeScaling yarn;
  yarn.kind = RopeKind::kYarn;
  EXPECT_THROW(Rope(8, 10000, yarn), InternalError);  // of which window?
  RopeScaling factors;
  factors.frequency_factors = {1, 2, 3};
  EXPECT_THROW(Rope(8, 10000, factors), InternalError);
}

TEST(RopeScaling, IsReadAsItIsWritten) {
  for (const char* text : {"none", "linear:8:4096", "ntk:4:4096", "dynamic:2:4096", "yarn:4:8192", "yarn:12.25:8192",
                           "llama3:8:8192", "linear:1.1:1"}) {
    EXPECT_EQ(to_string(parse_rope_scaling(text, 77)), text);
  }
  const RopeScaling yarn = parse_rope_scaling("yarn:4", 8192);
  EXPECT_EQ(yarn.kind, RopeKind::kYarn);
  EXPECT_EQ(yarn.factor, 4);
  EXPECT_EQ(yarn.original_context, 8192);
  EXPECT_EQ(yarn, parse_rope_scaling("yarn:4:8192", 1));
  EXPECT_EQ(parse_rope_scaling("none", 8192), RopeScaling());
  RopeScaling linear;  // as a config.json has it
  linear.kind = RopeKind::kLinear;
  linear.factor = 8;
  EXPECT_EQ(to_string(linear), "linear:8");
}

TEST(RopeScaling, RefusesWrongFlags) {
  for (const char* text : {"",
                           ":",
                           "yarn",
                           "yarn:",
                           "yarn:x",
                           "yarn:4x",
                           "yarn: 4",
                           "yarn:0.5",
                           "yarn:0",
                           "yarn:-4",
                           "yarn:nan",
                           "yarn:inf",
                           "yarn:1e9",
                           "yarn:4:",
                           "yarn:4:x",
                           "yarn:4:0",
                           "yarn:4:-1",
                           "yarn:4:8192.5",
                           "yarn:4:99999999999999999999",
                           "yarn:4:8192:1",
                           "yarn:4:8192:",
                           "YARN:4",
                           "none:1",
                           "none:",
                           "longrope:4",
                           "su:4",
                           "default",
                           "linear,8",
                           "yarn:\x1b[2J"}) {
    expect_user_error([&] { parse_rope_scaling(text, 8192); }, "--rope-scaling: got '");
  }
  expect_user_error([] { parse_rope_scaling("mystery:4", 8192); }, "'mystery' is unknown");
}

}  // namespace
}  // namespace tome
