#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "formats/files.h"
#include "memory_file.h"
#include "model/config.h"
#include "model/config_files.h"

namespace tome {
namespace {

using nlohmann::json;

std::filesystem::path model(const std::string& file) {
  return std::filesystem::path(TOME_GOLDEN_DIR) / "models" / file;
}

json json_of(const std::string& file) {
  std::ifstream stream(model(file));
  return json::parse(stream);
}

ModelConfig read(const json& config) {
  const MemoryFile file(config.dump());
  return read_config(file.path());
}

TEST(ConfigJson, ReadsLlama) {
  const ModelConfig config = read_config(model("llama/config.json"));
  EXPECT_EQ(
      described(config),
      "llama layers 2 width 24 heads 4/2 x 16 ff 44 vocabulary 161 epsilon 0.001 context 256 window 0 sliding gg "
      "theta 10000 0 scaling none betas 32 1 attention factor 0 mscale 0 0 truncate 1 low/high 1 4 factors 0 halves "
      "scale 0.25 embedding 1 tied");
  EXPECT_EQ(config.name, "llama");
  EXPECT_EQ(config.layer_parameters(), 2u * (24 * 16 * (4 + 2) * 2 + 3 * 24 * 44));
  EXPECT_FALSE(read_config(model("llama-untied/config.json")).tied_output);
}

TEST(ConfigJson, ReadsGemma) {
  EXPECT_EQ(described(read_config(model("gemma/config.json"))),
            "gemma3 layers 7 width 16 heads 2/1 x 12 ff 28 vocabulary 321 epsilon 0.001 context 256 window 16 sliding "
            "sssssgs theta 1e+06 10000 scaling none betas 32 1 attention factor 0 mscale 0 0 truncate 1 low/high 1 4 "
            "factors 0 halves scale 0.316228 embedding 4 tied");
  const ModelConfig pattern = read_config(model("gemma/config.pattern.json"));
  EXPECT_EQ(pattern.sliding_window, 7);
  EXPECT_EQ(pattern.sliding, (std::vector<bool>{true, true, false, true, true, false, true}));
}

TEST(ConfigJson, ReadsEveryScaling) {
  const auto scaling = [](const std::string& file) { return read_config(model(file)).rope_scaling; };
  EXPECT_EQ(to_string(scaling("llama/config.linear.json")), "linear:4");
  EXPECT_EQ(to_string(scaling("llama/config.dynamic.json")), "dynamic:2:32");
  EXPECT_EQ(read_config(model("llama/config.dynamic.json")).context_length, 64);
  EXPECT_EQ(to_string(scaling("llama/config.yarn.json")), "yarn:4:4096");
  EXPECT_EQ(to_string(scaling("llama/config.llama3.json")), "llama3:8:256");
  EXPECT_EQ(to_string(scaling("gemma/config.yarn.json")), "yarn:4:4096");
  const RopeScaling options = scaling("llama/config.yarn-options.json");
  EXPECT_EQ(options.beta_fast, 24);
  EXPECT_EQ(options.beta_slow, 2);
  EXPECT_EQ(options.attention_factor, 1.25);
  EXPECT_FALSE(options.truncate);
  EXPECT_EQ(scaling("llama/config.yarn-mscale.json").mscale_all_dim, 0.5);
}

TEST(ConfigJson, OldAndNewSpellingsSayTheSame) {
  std::size_t compared = 0;
  for (const std::string folder : {"llama", "llama-untied", "gemma"}) {
    const json configs = json_of(folder + "/golden.json").at("configs");
    for (const auto& [file, golden] : configs.items()) {
      const std::string variant = golden.get<std::string>();
      const std::string other = variant == "base" ? "config.json" : "config." + variant + ".json";
      EXPECT_EQ(described(read_config(model(folder + "/" + file))),
                described(read_config(model(folder + "/" + other))));
      compared += file != other ? 1 : 0;
    }
  }
  EXPECT_GE(compared, 12u);
}

TEST(ConfigJson, RefusesWhatChangesTheMathematics) {
  const json cases = json_of("refused.json");
  EXPECT_GE(cases.size(), 24u);
  for (const json& refused : cases) {
    SCOPED_TRACE(refused.at("case").get<std::string>());
    expect_user_error([&] { read(refused.at("config")); }, refused.at("names").get<std::string>());
    expect_user_error([&] { read(refused.at("config")); }, "/proc/self/fd/");
  }
}

TEST(ConfigJson, ReadsTheTextHalfOfAModelThatSeesPictures) {
  const json published = {{"architectures", {"Gemma3ForConditionalGeneration"}},
                          {"model_type", "gemma3"},
                          {"boi_token_index", 255999},
                          {"eoi_token_index", 256000},
                          {"eos_token_id", {1, 106}},
                          {"image_token_index", 262144},
                          {"initializer_range", 0.02},
                          {"mm_tokens_per_image", 256},
                          {"torch_dtype", "bfloat16"},
                          {"transformers_version", "4.50.0.dev0"},
                          {"text_config",
                           {{"hidden_size", 2560},
                            {"intermediate_size", 10240},
                            {"model_type", "gemma3_text"},
                            {"num_hidden_layers", 34},
                            {"rope_scaling", {{"factor", 8.0}, {"rope_type", "linear"}}},
                            {"sliding_window", 1024}}},
                          {"vision_config", {{"hidden_size", 1152}}}};
  const ModelConfig config = read(published);
  EXPECT_EQ(config.heads, 8u);
  EXPECT_EQ(config.kv_heads, 4u);
  EXPECT_EQ(config.head_width, 256u);
  EXPECT_EQ(config.vocabulary, 262208u);
  EXPECT_EQ(config.sliding_window, 1024);
  EXPECT_EQ(config.context_length, 131072);
  EXPECT_EQ(to_string(config.rope_scaling), "linear:8");
  EXPECT_EQ(config.rope_theta, 1e6);
  EXPECT_TRUE(config.tied_output);
  json wrong = published;
  wrong["text_config"]["final_logit_softcapping"] = 30.0;
  expect_user_error([&] { read(wrong); }, "text_config.final_logit_softcapping");
  wrong = published;
  wrong["quantization_config"] = {{"bits", 4}};
  expect_user_error([&] { read(wrong); }, "quantization_config");
  wrong = published;
  wrong.erase("text_config");
  expect_user_error([&] { read(wrong); }, "text_config");
}

struct Wrong {
  std::string key;
  json value;
};

void expect_each_refused(const json& base, const std::vector<Wrong>& cases) {
  read(base);
  for (const auto& [key, value] : cases) {
    SCOPED_TRACE(key + " " + value.dump());
    json config = base;
    config[key] = value;
    expect_user_error([&] { read(config); }, key);
  }
}

TEST(ConfigJson, RefusesImplausibleValues) {
  expect_each_refused(json_of("llama/config.json"), {{"num_hidden_layers", 0},
                                                     {"num_hidden_layers", 1001},
                                                     {"num_hidden_layers", -1},
                                                     {"num_hidden_layers", 2.5},
                                                     {"num_hidden_layers", "2"},
                                                     {"num_hidden_layers", nullptr},
                                                     {"hidden_size", 0},
                                                     {"hidden_size", 65537},
                                                     {"hidden_size", 18446744073709551615u},
                                                     {"num_attention_heads", 0},
                                                     {"num_attention_heads", 1 << 20},
                                                     {"num_key_value_heads", 0},
                                                     {"head_dim", 258},
                                                     {"head_dim", 2},
                                                     {"vocab_size", 0},
                                                     {"vocab_size", 1 << 30},
                                                     {"rms_norm_eps", 0},
                                                     {"rms_norm_eps", 1},
                                                     {"rms_norm_eps", -1e-5},
                                                     {"max_position_embeddings", 0},
                                                     {"intermediate_size", 1 << 30},
                                                     {"tie_word_embeddings", 1},
                                                     {"architectures", "Llama"},
                                                     {"model_type", 3},
                                                     {"rope_parameters", "none"},
                                                     {"rope_theta", 20000},
                                                     {"unknown_setting", 1},
                                                     {"layer_types", {"full_attention"}},
                                                     {"rope_scaling", {{"type", "linear"}, {"factor", 2}}}});
  json odd = json_of("llama/config.json");
  odd["head_dim"] = 15;
  expect_user_error([&] { read(odd); }, "head width: got 15, expected an even number");
  json groups = json_of("llama/config.json");
  groups["num_key_value_heads"] = 3;
  expect_user_error([&] { read(groups); }, "4 heads and 3 key-value heads");
}

TEST(ConfigJson, RefusesWrongRopeSettings) {
  const auto refused = [](const json& settings, const std::string& part) {
    SCOPED_TRACE(settings.dump());
    json config = json_of("llama/config.json");
    config["rope_parameters"] = settings;
    expect_user_error([&] { read(config); }, part);
  };
  refused({{"rope_type", "linear"}}, "rope_parameters.factor': is missing");
  refused({{"rope_type", "linear"}, {"factor", 0.5}}, "rope_parameters.factor': got 0.5");
  refused({{"rope_type", "default"}, {"factor", 2}}, "rope_parameters.factor': got '2'");
  refused({{"rope_type", "default"}, {"rope_theta", 1}}, "rope_theta': got 1");
  refused({{"rope_type", "yarn"}, {"factor", 4}, {"beta_fast", 1}}, "beta_fast");
  refused({{"rope_type", "yarn"}, {"factor", 4}, {"truncate", "no"}}, "truncate");
  refused({{"rope_type", "llama3"}, {"factor", 8}, {"high_freq_factor", 4}}, "low_freq_factor");
  refused({{"rope_type", "llama3"}, {"factor", 8}, {"low_freq_factor", 4}, {"high_freq_factor", 4}},
          "high_freq_factor");
  refused({{"rope_type", "linear"}, {"type", "yarn"}, {"factor", 2}}, "beside rope_type");
  refused({{"full_attention", {{"rope_type", "default"}}}}, "full_attention");
  json gemma = json_of("gemma/config.json");
  gemma["rope_parameters"]["sliding_attention"] = {{"rope_type", "linear"}, {"factor", 2}};
  expect_user_error([&] { read(gemma); }, "sliding_attention.rope_type");
  gemma["rope_parameters"]["sliding_attention"] = {{"type", "linear"}, {"factor", 2}};
  expect_user_error([&] { read(gemma); }, "sliding_attention.factor");
  gemma["rope_parameters"] = {{"rope_type", "linear"}, {"factor", 2}};  // which transformers ignores
  expect_user_error([&] { read(gemma); }, "rope_parameters.");
}

TEST(ConfigJson, RefusesWhatIsNoConfiguration) {
  for (const char* text :
       {"", "[]", "3", "{", "{\"model_type\": \"llama\", \"model_type\": \"llama\"}", "{}", "null"}) {
    const MemoryFile file(text);
    expect_user_error([&] { read_config(file.path()); }, "/proc/self/fd/");
  }
  expect_user_error([] { read_config(std::filesystem::path("/no/such/config.json")); }, "/no/such/config.json");
}

}  // namespace
}  // namespace tome
