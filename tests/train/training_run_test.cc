// Whole runs, step by step: 20 steps of the real models against PEFT (tests/golden/README.md), and 8-bit moments
// against 32-bit ones. TOME_TEST_ALL=1: the real models too (`tome pull` fetches them); minutes each.
#include <cstdlib>

#include "model/adapter_folder.h"
#include "model/tiny_models.h"
#include "train/adamw.h"
#include "train/adapter_gradients.h"

namespace tome {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::vector<std::int32_t> next_ids(const std::vector<TokenId>& ids) {
  std::vector<std::int32_t> targets(ids.begin() + 1, ids.end());
  targets.push_back(kNoTarget);
  return targets;
}

/// The loss before each of `steps` steps, the examples taken in turn.
template <typename T>
std::vector<double> losses(const Model& model, Adapter& adapter, const std::vector<std::vector<TokenId>>& examples,
                           std::size_t steps, const AdamwSettings& settings, double learning_rate) {
  Threads threads(2);
  AdapterGradients gradients(adapter);
  AdamW adamw(optimized_tensors(adapter.tensors()), settings, threads);
  std::vector<double> curve;
  for (std::size_t step = 0; step < steps; ++step) {
    const std::vector<TokenId>& ids = examples[step % examples.size()];
    PassOptions options;
    options.scale = 1 / static_cast<double>(ids.size() - 1);
    gradients.clear();
    const PassResult result = training_pass<T>(model, threads, plain_example(ids, next_ids(ids)), adapter.layers(),
                                               gradients.layers(), options);
    curve.push_back(result.loss * options.scale);
    adamw.step(adapter.values(), gradients.values(), learning_rate, 1);
  }
  return curve;
}

double root_mean_square_gap(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

fs::path model_file(const std::string& name) {
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  const fs::path folder = data != nullptr ? fs::path(data) : fs::path(home == nullptr ? "/" : home) / ".local/share";
  return folder / "tome/models" / (name + ".gguf");
}

class PeftRun : public testing::TestWithParam<const char*> {
 protected:
  template <typename T>
  std::vector<double> run() {
    Model model(model_file(GetParam()));
    AdapterSettings settings;
    settings.rank = golden_["rank"];
    settings.alpha = golden_["alpha"];
    Adapter adapter(model, settings, golden_["seed"]);
    AdamwSettings adamw;
    adamw.beta1 = golden_["beta1"];
    adamw.beta2 = golden_["beta2"];
    adamw.epsilon = golden_["epsilon"];
    adamw.weight_decay = 0;
    const auto examples = mine()["examples"].get<std::vector<std::vector<TokenId>>>();
    return losses<T>(model, adapter, examples, curve("float32").size(), adamw, golden_["learning_rate"]);
  }
  const json& mine() const { return golden_["runs"].at(GetParam()); }
  std::vector<double> curve(const std::string& dtype) const { return mine().at(dtype).get<std::vector<double>>(); }

  json golden_ = read_json(fs::path(TOME_GOLDEN_DIR) / "training_run.json");
};

// PEFT's own gap between bf16 and f32 is what arithmetic alone does to a run: f32 must stay far inside it, and bf16,
// whose rounding is as coarse as PEFT's but not the same, within twice of it.
TEST_P(PeftRun, TheCurveIsPefts) {
  const char* all = std::getenv("TOME_TEST_ALL");
  if (all == nullptr || std::string(all) != "1") GTEST_SKIP() << "needs TOME_TEST_ALL=1";
  if (!fs::exists(model_file(GetParam()))) GTEST_SKIP() << "needs " << model_file(GetParam());
  const std::vector<double> expected = curve("float32");
  ASSERT_EQ(expected.size(), 20u);
  ASSERT_LT(expected[19], expected[9] - 0.1) << "the second round over the examples must show what the first taught";
  const double noise = root_mean_square_gap(curve("bfloat16"), expected);
  const double f32_gap = root_mean_square_gap(run<float>(), expected);
  const double bf16_gap = root_mean_square_gap(run<bf16>(), expected);
  RecordProperty("peft_bf16_gap", std::to_string(noise));
  RecordProperty("f32_gap", std::to_string(f32_gap));
  RecordProperty("bf16_gap", std::to_string(bf16_gap));
  EXPECT_LE(f32_gap, 0.1 * noise);
  EXPECT_LE(bf16_gap, 2 * noise);
}

INSTANTIATE_TEST_SUITE_P(Models, PeftRun, testing::Values("smollm2", "gemma"),
                         [](const auto& param) { return param.param; });

// A model that learns a text by heart, with moments of both kinds.
TEST(Moments, EightBitsLearnAsThirtyTwoDo) {
  for (const std::string name : {"llama", "gemma"}) {
    TinyModel model(name);
    const std::vector<std::vector<TokenId>> examples = {
        numbers<std::int32_t>(SafetensorsFile(tiny_folder(name) / "golden.safetensors"), "input_ids")};
    const auto curve = [&](bool eight_bit) {
      AdamwSettings settings;
      settings.eight_bit = eight_bit;
      settings.least_8bit = 0;  // the tiny model's tensors are below the usual limit
      Adapter adapter(model->config(), AdapterSettings{}, 1);
      return losses<float>(*model, adapter, examples, 60, settings, 5e-3);
    };
    const std::vector<double> wide = curve(false), narrow = curve(true);
    const double learned = wide.front() - wide.back();
    const double gap = root_mean_square_gap(narrow, wide);
    RecordProperty(name, cat(wide.front(), " to ", wide.back(), " and ", narrow.back(), ", gap ", gap));
    EXPECT_GT(learned, 0.5 * wide.front()) << name;
    EXPECT_LE(gap, 0.01 * learned) << name;
    EXPECT_GT(gap, 0) << name << ": the moments are the same";
  }
}

}  // namespace
}  // namespace tome
