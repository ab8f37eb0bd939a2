// Losses and LoRA gradients under every RoPE scaling, in a text longer than the original window, against PEFT.
#include "model/adapter_folder.h"
#include "model/rope.h"
#include "model/tiny_models.h"
#include "train/adapter_gradient.h"
#include "train/plain_example.h"

namespace tome {
namespace {

constexpr double kBound = 1e-4;  // the reference's f32 is up to 4e-6 from its f64

struct Case {
  std::string model, config, golden;
};

TinyModel open_case(const Case& c, std::size_t tokens) {
  const bool by_setting = c.golden == "ntk" && c.config.empty();
  TinyModel model(c.model, by_setting ? "config.past-none.json" : c.config);
  ModelConfig& config = model->config();
  if (by_setting) config.rope_scaling = parse_rope_scaling("ntk:4", config.context_length);
  if (config.rope_scaling.kind == RopeKind::kDynamicNtk) config.context_length = static_cast<std::int64_t>(tokens);
  return model;
}

class RopeGradient : public testing::TestWithParam<Case> {};

TEST_P(RopeGradient, IsThatOfPeft) {
  const std::filesystem::path folder = tiny_folder(GetParam().model) / "adapter";
  const SafetensorsFile input(folder / "golden.safetensors"), golden(folder / "rope_gradients.safetensors");
  const std::string prefix = GetParam().golden + "/";
  std::vector<std::int32_t> targets = numbers<std::int32_t>(input, "targets");
  const auto count = static_cast<double>(targets.size() - static_cast<std::size_t>(std::ranges::count(targets, -100)));
  std::ranges::replace(targets, -100, kNoTarget);
  const TrainingExample example = plain_example(numbers<std::int32_t>(input, "input_ids"), targets);

  TinyModel model = open_case(GetParam(), example.ids.size());
  const Adapter adapter = load_adapter(folder, model->config());
  AdapterGradient gradients(adapter);
  Threads threads(2);
  PassOptions options;
  options.scale = 1 / count;
  options.chunk_rows = 16;
  const PassResult result = training_pass<float>(*model, threads, example, adapter.layers(), gradients.pass(), options);

  const auto loss = static_cast<double>(numbers<float>(golden, prefix + "loss")[0]);
  EXPECT_NEAR(result.loss / count, loss, 1e-5 * loss);
  std::size_t compared = 0;
  for (const AdapterTensor& tensor : adapter.tensors()) {
    if (golden.find(prefix + tensor.name) == nullptr) continue;
    EXPECT_LE(relative_l2(gradients.of(tensor), numbers<float>(golden, prefix + tensor.name)), kBound) << tensor.name;
    ++compared;
  }
  EXPECT_EQ(compared, model->config().layers * 8);  // A and B of q, k, v and o
}

std::vector<Case> cases() {
  std::vector<Case> all = {{"llama", "", "ntk"}};
  for (const std::string golden : {"none", "linear", "ntk", "dynamic", "yarn", "yarn-options", "llama3"}) {
    all.push_back({"llama", "config.past-" + golden + ".json", golden});
  }
  for (const std::string golden : {"none", "linear", "yarn"}) {
    all.push_back({"gemma", "config.past-" + golden + ".json", golden});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Scalings, RopeGradient, testing::ValuesIn(cases()), [](const auto& param) {
  std::string name = param.param.model + "_" + param.param.golden + (param.param.config.empty() ? "_by_setting" : "");
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace tome
