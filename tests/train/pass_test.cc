// Losses and gradients of the tiny models against PyTorch + PEFT (tests/golden/README.md), and of one pass against
// another that must give the same.
#include "train/pass.h"

#include <map>

#include "model/tiny_models.h"

namespace tome {
namespace {

constexpr double kF32Bound = 1e-4;
constexpr double kOtherOrder = 2e-5;  // of f32 sums: up to 1.2e-5 has been seen, by the compiler's choice
constexpr std::size_t kRank = 4;

const std::map<Matrix, std::string> kNames = {
    {Matrix::kQuery, "self_attn.q_proj"},  {Matrix::kKey, "self_attn.k_proj"}, {Matrix::kValue, "self_attn.v_proj"},
    {Matrix::kOutput, "self_attn.o_proj"}, {Matrix::kGate, "mlp.gate_proj"},   {Matrix::kUp, "mlp.up_proj"},
    {Matrix::kDown, "mlp.down_proj"}};

// A model with the golden's adapter and room for every gradient.
class Trained {
 public:
  explicit Trained(const std::string& name, const std::string& config = "config.json")
      : name_(name),
        model_(name, config),
        adapter_(tiny_folder(name) / "adapter" / "adapter_model.safetensors"),
        golden_(tiny_folder(name) / "adapter" / "golden.safetensors"),
        pairs_(model_->config().layers),
        gradients_(model_->config().layers) {
    const float scale = name == "llama" ? 2.0f : 1.5f;
    const bool gemma = name == "gemma";
    for (std::size_t layer = 0; layer < pairs_.size(); ++layer) {
      const std::string base = cat("model.layers.", layer, ".");
      for (const auto& [matrix, part] : kNames) {
        const std::string prefix = cat("base_model.model.", base, part, ".lora_");
        LoraPair& pair = pairs_[layer][static_cast<std::size_t>(matrix)];
        pair = {weights(prefix + "A.weight"), weights(prefix + "B.weight"), kRank, scale};
        LoraGradient& gradient = gradients_[layer].lora[static_cast<std::size_t>(matrix)];
        gradient = {sums(prefix + "A.weight"), sums(prefix + "B.weight")};
      }
      LayerGradient& g = gradients_[layer];
      const auto norm = [&](Norm n, const std::string& part) {
        g.norms[static_cast<std::size_t>(n)] = sums(base + part + ".weight");
      };
      norm(Norm::kAttention, "input_layernorm");
      norm(Norm::kFeedForward, gemma ? "pre_feedforward_layernorm" : "post_attention_layernorm");
      if (!gemma) continue;
      norm(Norm::kQuery, "self_attn.q_norm");
      norm(Norm::kKey, "self_attn.k_norm");
      norm(Norm::kPostAttention, "post_attention_layernorm");
      norm(Norm::kPostFeedForward, "post_feedforward_layernorm");
    }
    final_norm_ = sums("model.norm.weight");
  }

  // The golden's input as one example.
  TrainingExample example() const {
    TrainingExample e;
    e.name = name_;
    e.ids = numbers<std::int32_t>(golden_, "input_ids");
    e.targets = numbers<std::int32_t>(golden_, "targets");
    for (auto& target : e.targets) target = target == -100 ? kNoTarget : target;
    e.positions = consecutive_positions(0, e.ids.size());
    e.visible = causal_ranges(0, e.ids.size(), 0);
    return e;
  }

  template <typename T>
  PassResult run(const TrainingExample& example, PassOptions options, int thread_count = 2,
                 StepProgress* progress = nullptr) {
    Threads threads(thread_count);
    if (options.scale == 1) options.scale = scale_of(example);
    return training_pass<T>(*model_, threads, example, pairs_, {gradients_, final_norm_}, options, progress);
  }

  void clear() { std::fill(flat_.begin(), flat_.end(), 0.0f); }

  std::span<float> flat() { return flat_; }
  std::map<std::string, std::vector<float>> gradients() const {
    std::map<std::string, std::vector<float>> all;
    for (const auto& [name, place] : places_) {
      const auto begin = flat_.begin() + static_cast<std::ptrdiff_t>(place.first);
      all[name].assign(begin, begin + static_cast<std::ptrdiff_t>(place.second));
    }
    return all;
  }
  std::vector<float>& weight(const std::string& name) { return weights_.at(name); }
  /// What run() scales the loss with.
  static double scale_of(const TrainingExample& example) {
    return 1 / static_cast<double>(std::count_if(example.targets.begin(), example.targets.end(),
                                                 [](auto target) { return target != kNoTarget; }));
  }
  std::span<const LayerAdapter> pairs() const { return pairs_; }
  std::vector<float> expected(const std::string& name) const { return numbers<float>(golden_, "gradient/" + name); }
  double expected_loss() const { return static_cast<double>(numbers<float>(golden_, "loss")[0]); }
  nlohmann::json noise() const { return read_json(tiny_folder(name_) / "adapter" / "golden.json")["bfloat16_gap"]; }
  Model& model() { return *model_; }

 private:
  const float* weights(const std::string& name) { return (weights_[name] = numbers<float>(adapter_, name)).data(); }
  float* sums(const std::string& name) {
    const std::size_t size = expected(name).size();
    places_[name] = {used_, size};
    used_ += size;
    TOME_CHECK(used_ <= flat_.size());
    return flat_.data() + used_ - size;
  }

  std::string name_;
  TinyModel model_;
  SafetensorsFile adapter_, golden_;
  std::map<std::string, std::vector<float>> weights_;
  std::vector<float> flat_ = std::vector<float>(std::size_t{1} << 17);  // all gradients
  std::size_t used_ = 0;
  std::map<std::string, std::pair<std::size_t, std::size_t>> places_;  // first, size
  std::vector<LayerAdapter> pairs_;
  std::vector<LayerGradient> gradients_;
  float* final_norm_ = nullptr;
};

class Pass : public testing::TestWithParam<std::string> {};

TEST_P(Pass, GradientsAreThoseOfPeft) {
  Trained trained(GetParam());
  for (const Keep keep : {Keep::kAll, Keep::kAttention, Keep::kInput}) {
    trained.clear();
    PassOptions options;
    options.keep = keep;
    options.chunk_rows = 16;
    const PassResult result = trained.run<float>(trained.example(), options);
    EXPECT_EQ(result.targets, 17u);
    EXPECT_NEAR(result.loss / 17, trained.expected_loss(), 1e-5 * trained.expected_loss());
    for (const auto& [name, values] : trained.gradients()) {
      EXPECT_LE(relative_l2(values, trained.expected(name)), kF32Bound) << name;
    }
  }
}

TEST_P(Pass, Bf16IsWithinTheReferencesOwnNoise) {
  Trained trained(GetParam());
  const PassResult result = trained.run<bf16>(trained.example(), {});
  const nlohmann::json noise = trained.noise();
  // The loss of the reference differs by chance of 17 targets: its gap is one draw, three of them are allowed.
  EXPECT_NEAR(result.loss / 17, trained.expected_loss(), 3 * noise["loss"].get<double>() + 1e-3);
  double difference = 0, size = 0;
  for (const auto& [name, values] : trained.gradients()) {
    if (name.find("lora_") == std::string::npos) continue;
    const std::vector<float> expected = trained.expected(name);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      difference += std::pow(static_cast<double>(values[i]) - static_cast<double>(expected[i]), 2);
      size += std::pow(static_cast<double>(expected[i]), 2);
    }
  }
  EXPECT_LE(std::sqrt(difference / size), noise["lora_gradient_relative_l2"].get<double>());
}

TEST_P(Pass, SameBytesAgain) {
  Trained first(GetParam()), second(GetParam());
  first.run<bf16>(first.example(), {});
  second.run<bf16>(second.example(), {});
  EXPECT_EQ(first.gradients(), second.gradients());
}

TEST_P(Pass, ChunksAndThreadsOnlyRound) {
  Trained whole(GetParam());
  whole.run<float>(whole.example(), {});
  for (const std::size_t chunk : {1u, 7u, 50u}) {
    for (const int threads : {1, 3}) {
      Trained parts(GetParam());
      PassOptions options;
      options.chunk_rows = chunk;
      parts.run<float>(parts.example(), options, threads);
      for (const auto& [name, values] : parts.gradients()) {
        EXPECT_LE(relative_l2(values, whole.gradients().at(name)), 1e-5) << name << ", chunks of " << chunk;
      }
    }
  }
}

TEST_P(Pass, HeadGroupsOnlyRound) {
  for (const Keep keep : {Keep::kAll, Keep::kAttention, Keep::kInput}) {
    Trained whole(GetParam()), parts(GetParam());
    PassOptions options;
    options.keep = keep;
    whole.run<float>(whole.example(), options);
    options.head_group_bytes = 1;  // one query head after another
    parts.run<float>(parts.example(), options);
    for (const auto& [name, values] : parts.gradients()) {
      EXPECT_LE(relative_l2(values, whole.gradients().at(name)), 1e-5) << name;
    }
  }
}

TEST_P(Pass, SpillingGivesTheSameBytes) {
  for (const Keep keep : {Keep::kAll, Keep::kAttention, Keep::kInput}) {
    Trained memory(GetParam()), file(GetParam());
    PassOptions options;
    options.keep = keep;
    EXPECT_EQ(memory.run<bf16>(memory.example(), options).spill_bytes, 0u);
    options.activation_bytes = 0;
    options.spill_folder = testing::TempDir();
    EXPECT_GT(file.run<bf16>(file.example(), options).spill_bytes, 0u);
    EXPECT_EQ(memory.gradients(), file.gradients());
  }
}

struct Killed {};

// Ended after any layer, a pass goes on from there and gives the same bytes.
TEST_P(Pass, GoesOnFromTheLastLayerDone) {
  Trained whole(GetParam());
  PassOptions options;
  const double loss = whole.run<bf16>(whole.example(), options).loss;
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / cat("progress-", GetParam());
  for (std::size_t stop = 1; stop <= 2 * whole.model().config().layers; ++stop) {
    SCOPED_TRACE(testing::Message() << "ended after " << stop << " layers");
    Trained again(GetParam());
    {
      StepProgress progress(folder, "step 1", again.flat());
      options.after_layer = [&](std::size_t done, std::size_t) {
        if (done == stop) throw Killed();
      };
      EXPECT_THROW(again.run<bf16>(again.example(), options, 2, &progress), Killed);
    }
    Trained resumed(GetParam());
    StepProgress progress(folder, "step 1", resumed.flat());
    std::size_t layers = 0;
    options.after_layer = [&](std::size_t, std::size_t) { ++layers; };
    double resumed_loss = progress.loss_done();
    if (progress.passes_done() == 0) resumed_loss = resumed.run<bf16>(resumed.example(), options, 2, &progress).loss;
    EXPECT_EQ(resumed_loss, loss);
    EXPECT_LE(layers, 2 * whole.model().config().layers - stop + 1);
    EXPECT_EQ(resumed.gradients(), whole.gradients());
    const StepProgress other(folder, "step 2", resumed.flat());
    EXPECT_EQ(other.passes_done() + other.layers_forward(), 0u) << "another step's progress was taken";
    progress.remove();
    EXPECT_FALSE(std::filesystem::exists(folder));
  }
}

// With dropout: the gradient of the loss that the same drops give, by central differences.
TEST_P(Pass, GradientsUnderDropout) {
  Trained trained(GetParam());
  const TrainingExample example = trained.example();
  PassOptions options;
  options.scale = 1;
  const double loss_without = trained.run<float>(example, PassOptions{.scale = 0.5}).loss;
  options.dropout = {0.4f, 77};
  for (const Keep keep : {Keep::kAll, Keep::kAttention, Keep::kInput}) {
    options.keep = keep;
    trained.clear();
    const double loss = trained.run<float>(example, options).loss * trained.scale_of(example);
    EXPECT_GT(std::abs(loss - loss_without * trained.scale_of(example)), 1e-3);
    const auto gradients = trained.gradients();
    for (const std::string part :
         {"self_attn.q_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.up_proj", "mlp.down_proj"}) {
      for (const std::string factor : {"A", "B"}) {
        const std::string name = "base_model.model.model.layers.1." + part + ".lora_" + factor + ".weight";
        const std::vector<float>& gradient = gradients.at(name);
        const auto i =
            static_cast<std::size_t>(std::max_element(gradient.begin(), gradient.end(),
                                                      [](float a, float b) { return std::abs(a) < std::abs(b); }) -
                                     gradient.begin());
        const float step = 1e-2f;
        const auto loss_at = [&](float change) {
          float& value = trained.weight(name)[i];
          const float before = std::exchange(value, value + change);
          const double at = trained.run<float>(example, options).loss * trained.scale_of(example);
          value = before;
          return at;
        };
        const double slope = (loss_at(step) - loss_at(-step)) / (2 * static_cast<double>(step));
        EXPECT_NEAR(static_cast<double>(gradient[i]), slope, 0.01 * std::abs(slope) + 2e-5) << name;
      }
    }
  }
}

TEST(LoraDropout, DropsItsShareAndKeepsTheMean) {
  const LoraDropout dropout{0.25f, 5};
  const std::vector<float> ones(100 * 301, 1.0f);
  std::vector<float> out(ones.size());
  const auto rows = causal_ranges(0, 100, 0);
  dropout.apply(3, Matrix::kGate, rows, ones.data(), 301, out.data());
  const auto dropped = std::count(out.begin(), out.end(), 0.0f);
  EXPECT_NEAR(static_cast<double>(dropped) / static_cast<double>(out.size()), 0.25, 0.01);
  EXPECT_EQ(static_cast<std::size_t>(std::count(out.begin(), out.end(), 1 / 0.75f) + dropped), out.size());
  std::vector<float> other(ones.size()), later(ones.size());
  dropout.apply(3, Matrix::kUp, rows, ones.data(), 301, other.data());
  EXPECT_NE(out, other);
  dropout.apply(3, Matrix::kGate, std::span(rows).subspan(40), ones.data(), 301, later.data());
  EXPECT_TRUE(std::equal(out.begin() + 40 * 301, out.end(), later.begin()));
}

// Embedding and output matrix (tied: their sum) against central differences of the loss.
TEST_P(Pass, GradientsOfEmbeddings) {
  Trained trained(GetParam());
  Model& model = trained.model();
  ASSERT_TRUE(model.config().tied_output);
  const TrainingExample example = trained.example();
  std::vector<float> table(model.embedding().values());
  dequantize(model.embedding().type, model.embedding().data, table);
  model.set_embedding(table);
  std::vector<float> gradient(table.size(), 0.0f);
  std::vector<LayerGradient> no_layers(model.config().layers);
  Threads threads(2);
  training_pass<float>(model, threads, example, trained.pairs(), {no_layers, nullptr, gradient.data(), gradient.data()},
                       PassOptions{.scale = 1});
  const auto loss_at = [&](std::size_t i, float value) {
    const float before = std::exchange(table[i], value);
    const double loss = example_loss<float>(model, threads, example, trained.pairs()).loss;
    table[i] = before;
    return loss;
  };
  const auto largest = [&](std::size_t row) {
    const auto begin = gradient.begin() + static_cast<std::ptrdiff_t>(row * model.config().width);
    const auto end = begin + static_cast<std::ptrdiff_t>(model.config().width);
    const auto at = std::max_element(begin, end, [](float a, float b) { return std::abs(a) < std::abs(b); });
    return static_cast<std::size_t>(at - gradient.begin());
  };
  const auto asked = static_cast<std::size_t>(example.ids[0]);  // an input, perhaps a target
  const auto target = static_cast<std::size_t>(
      *std::find_if(example.targets.begin(), example.targets.end(), [](auto t) { return t != kNoTarget; }));
  std::size_t unseen = 0;  // neither: only the softmax moves it
  while (std::count(example.ids.begin(), example.ids.end(), static_cast<TokenId>(unseen)) > 0 || unseen == target)
    ++unseen;
  for (const std::size_t row : {asked, target, unseen}) {
    const std::size_t i = largest(row);
    const float step = 2e-3f;
    const double slope = (loss_at(i, table[i] + step) - loss_at(i, table[i] - step)) / (2 * static_cast<double>(step));
    EXPECT_NEAR(static_cast<double>(gradient[i]), slope, 5e-3 * std::abs(slope) + 2e-3) << "row " << row;
    EXPECT_GT(std::abs(slope), 0.01) << "row " << row;
  }
}

// One text with three questions in one pass gives what three passes give.
TEST_P(Pass, QuestionsOverOneTextEqualSeparateExamples) {
  Trained apart(GetParam()), together(GetParam());
  const std::vector<TokenId> ids = apart.example().ids;
  constexpr std::size_t kText = 26;
  constexpr std::size_t kEnds[] = {31, 39, 50};
  PassOptions options;
  options.scale = 0.125;
  TrainingExample joined = together.example();
  joined.targets.assign(ids.size(), kNoTarget);
  double loss = 0;
  std::size_t start = kText;
  for (const std::size_t end : kEnds) {
    TrainingExample one;
    one.name = "one";
    one.ids.assign(ids.begin(), ids.begin() + kText);
    one.ids.insert(one.ids.end(), ids.begin() + static_cast<std::ptrdiff_t>(start),
                   ids.begin() + static_cast<std::ptrdiff_t>(end));
    const std::size_t length = one.ids.size();
    one.targets.assign(length, kNoTarget);
    for (std::size_t i = kText + 1; i + 1 < length; ++i) one.targets[i] = one.ids[i + 1];
    one.positions = consecutive_positions(0, length);
    one.visible = causal_ranges(0, length, 0);
    loss += apart.run<float>(one, options).loss;
    for (std::size_t i = start; i < end; ++i) {
      joined.positions[i] = static_cast<std::int64_t>(kText + i - start);
      joined.visible[i] = {0, static_cast<std::int64_t>(i) + 1, kText, static_cast<std::int64_t>(start)};
      if (i > start && i + 1 < end) joined.targets[i] = ids[i + 1];
    }
    start = end;
  }
  EXPECT_NEAR(together.run<float>(joined, options).loss, loss, 1e-5 * loss);
  for (const auto& [name, values] : together.gradients()) {
    EXPECT_LE(relative_l2(values, apart.gradients().at(name)), kOtherOrder) << name;
  }
}

// Two short texts packed into one pass.
TEST_P(Pass, PackedExamplesEqualSeparateOnes) {
  Trained apart(GetParam()), together(GetParam());
  const TrainingExample whole = apart.example();
  constexpr std::size_t kCut = 21;
  PassOptions options;
  options.scale = 0.25;
  TrainingExample packed = whole;
  double loss = 0;
  for (const auto& [from, to] : {std::pair<std::size_t, std::size_t>(0, kCut), std::pair(kCut, whole.ids.size())}) {
    TrainingExample part;
    part.name = "part";
    part.ids.assign(whole.ids.begin() + static_cast<std::ptrdiff_t>(from),
                    whole.ids.begin() + static_cast<std::ptrdiff_t>(to));
    part.targets.assign(part.ids.begin() + 1, part.ids.end());
    part.targets.push_back(kNoTarget);
    part.positions = consecutive_positions(0, part.ids.size());
    part.visible = causal_ranges(0, part.ids.size(), 0);
    loss += apart.run<float>(part, options).loss;
    for (std::size_t i = 0; i < part.ids.size(); ++i) {
      packed.targets[from + i] = part.targets[i];
      packed.positions[from + i] = part.positions[i];
      packed.visible[from + i] = {static_cast<std::int64_t>(from), static_cast<std::int64_t>(from + i) + 1};
    }
  }
  EXPECT_NEAR(together.run<float>(packed, options).loss, loss, 1e-5 * loss);
  for (const auto& [name, values] : together.gradients()) {
    EXPECT_LE(relative_l2(values, apart.gradients().at(name)), kOtherOrder) << name;
  }
}

TEST_P(Pass, NoTargetIsRefusedByName) {
  Trained trained(GetParam());
  TrainingExample example = trained.example();
  example.name = "qa.jsonl:17";
  example.targets.assign(example.ids.size(), kNoTarget);
  try {
    trained.run<float>(example, PassOptions{.scale = 0.5});
    FAIL() << "no error";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("qa.jsonl:17"), std::string::npos) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Pass, testing::Values("llama", "gemma"),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace tome
