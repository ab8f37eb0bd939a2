// Whole runs: AdamW with 8-bit moments against 32-bit ones, and the real models against PEFT.
#include "model/tiny_models.h"
#include "real_models.h"
#include "train/adamw.h"
#include "train/adapter_gradient.h"
#include "train/plain_example.h"

namespace tome {
namespace {

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
  AdapterGradient gradients(adapter);
  AdamW adamw(optimized_tensors(adapter.tensors()), settings, threads);
  std::vector<double> curve;
  for (std::size_t step = 0; step < steps; ++step) {
    const std::vector<TokenId>& ids = examples[step % examples.size()];
    PassOptions options;
    options.scale = 1 / static_cast<double>(ids.size() - 1);
    gradients.clear();
    const PassResult result = training_pass<T>(model, threads, plain_example(ids, next_ids(ids)), adapter.layers(),
                                               gradients.pass(), options);
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

/// Twenty steps of PEFT on one of the real models (tests/golden/make_training_run.py), and the same here. The larger
/// one with TOME_TEST_ALL=1.
class RealRun : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const char* all = std::getenv("TOME_TEST_ALL");
    if (all == nullptr && GetParam() == std::string_view("gemma")) GTEST_SKIP() << "needs TOME_TEST_ALL=1";
    path_ = real_model(cat(GetParam(), ".gguf"));
    if (!std::filesystem::exists(path_)) GTEST_SKIP() << path_ << " is not there; ./run setup fetches it";
    head_ = read_json(std::filesystem::path(TOME_GOLDEN_DIR) / "training_run.json");
    golden_ = head_["runs"][GetParam()];
  }
  std::vector<double> expected(const char* dtype) const { return golden_[dtype].get<std::vector<double>>(); }
  template <typename T>
  std::vector<double> run() const {
    const Model model(path_);
    AdapterSettings adapter;
    adapter.rank = head_["rank"];
    adapter.alpha = head_["alpha"];
    AdamwSettings adamw;
    adamw.beta1 = head_["beta1"];
    adamw.beta2 = head_["beta2"];
    adamw.epsilon = head_["epsilon"];
    adamw.weight_decay = 0;
    adamw.eight_bit = false;
    Adapter trained(model.config(), adapter, head_["seed"]);
    return losses<T>(model, trained, golden_["examples"].get<std::vector<std::vector<TokenId>>>(),
                     expected("float32").size(), adamw, head_["learning_rate"]);
  }

  std::filesystem::path path_;
  nlohmann::json head_, golden_;
};

TEST_P(RealRun, LearnsAsPeftInF32) {
  const std::vector<double> ours = run<float>(), theirs = expected("float32");
  for (std::size_t step = 0; step < theirs.size(); ++step) EXPECT_NEAR(ours[step], theirs[step], 1e-3 * theirs[step]);
  RecordProperty("gap", cat(root_mean_square_gap(ours, theirs)));
  EXPECT_LT(theirs.back(), theirs.front() - 0.1);  // it is learning
}

// PEFT's own two curves, f32 and bf16, say what bf16 costs; ours may not lie farther from f32 than that.
TEST_P(RealRun, Bf16LiesWithinPeftsOwnNoise) {
  const std::vector<double> ours = run<bf16>(), wide = expected("float32"), narrow = expected("bfloat16");
  const double noise = root_mean_square_gap(narrow, wide), gap = root_mean_square_gap(ours, wide);
  RecordProperty("gap", cat(gap, " of ", noise));
  EXPECT_LE(gap, noise);
}

INSTANTIATE_TEST_SUITE_P(Models, RealRun, testing::Values("smollm2", "gemma"));

}  // namespace
}  // namespace tome
