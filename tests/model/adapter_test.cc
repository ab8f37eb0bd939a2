// Adapters against PEFT: its folders give its logits; ours have its names; hostile ones are refused.
#include "model/adapter.h"

#include <cmath>
#include <cstring>
#include <map>

#include "as_gguf.h"
#include "model/adapter_folder.h"
#include "tiny_models.h"

namespace tome {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

constexpr double kF32Bound = 1e-4;

fs::path adapter_folder(const std::string& model, const std::string& name = "adapter") {
  return tiny_folder(model) / name;
}

AdapterUse of_tiny() {
  AdapterUse use;
  use.base_model = "tiny";
  return use;
}

TEST(PeftAdapter, LogitsArePeftsInEveryPass) {
  for (const std::string name : {"llama", "gemma"}) {
    TinyModel model(name);
    const Adapter adapter = load_adapter(adapter_folder(name), model->config());
    const Golden golden(adapter_folder(name) / "golden.safetensors");
    const double bf16_bound = read_json(adapter_folder(name) / "golden.json")["bfloat16_gap"]["logits_relative_l2"];
    const auto gap = [&](const std::vector<float>& logits) { return relative_l2(logits, golden.logits); };
    EXPECT_LE(gap(prefill_logits<float>(*model, golden, exact_options(16, adapter.layers()))), kF32Bound) << name;
    EXPECT_LE(gap(prefill_logits<bf16>(*model, golden, exact_options(50, adapter.layers()))), bf16_bound) << name;
    EXPECT_LE(gap(decode_logits<float>(*model, golden, adapter.layers())), kF32Bound) << name;
    EXPECT_GT(gap(prefill_logits<float>(*model, golden, exact_options())), 0.02) << name << ": it does nothing";
  }
}

TEST(PeftAdapter, LogitsWithTrainedNormsAndEmbeddings) {
  for (const std::string name : {"llama", "llama-untied", "gemma"}) {
    TinyModel model(name);
    const std::uint64_t before = model->fingerprint();
    const Adapter adapter = load_adapter(adapter_folder(name, "trained"), model->config());
    EXPECT_TRUE(adapter.settings().norms && adapter.settings().embeddings);
    use_trained_weights(adapter, *model);
    EXPECT_NE(model->fingerprint(), before);
    const Golden golden(adapter_folder(name, "trained") / "golden.safetensors");
    EXPECT_LE(relative_l2(prefill_logits<float>(*model, golden, exact_options(16, adapter.layers())), golden.logits),
              kF32Bound)
        << name;
    EXPECT_LE(relative_l2(decode_logits<float>(*model, golden, adapter.layers()), golden.logits), kF32Bound) << name;
  }
}

TEST(PeftAdapter, RanksAndAlphasByPattern) {
  const fs::path folder = adapter_folder("llama", "patterned");
  TinyModel model("llama");
  const Adapter adapter = load_adapter(folder, model->config());
  const Golden golden(folder / "golden.safetensors");
  const auto gap = [&](const Adapter& a) {
    return relative_l2(prefill_logits<float>(*model, golden, exact_options(16, a.layers())), golden.logits);
  };
  EXPECT_LE(gap(adapter), kF32Bound);
  EXPECT_LE(relative_l2(decode_logits<float>(*model, golden, adapter.layers()), golden.logits), kF32Bound);
  EXPECT_EQ(adapter.place(1, Matrix::kKey).pair, (PairSettings{6, 6}));
  EXPECT_EQ(adapter.place(0, Matrix::kUp).pair, (PairSettings{2, 12}));

  const Scratch scratch;
  save_adapter(scratch.path(), adapter, model->config(), of_tiny());
  const Adapter again = load_adapter(scratch.path(), model->config());
  EXPECT_EQ(again.fingerprint(), adapter.fingerprint());
  EXPECT_LE(gap(again), kF32Bound);
  const json saved = read_json(scratch.path() / "adapter_config.json");
  EXPECT_EQ(saved["rank_pattern"]["v_proj"], 3);
  EXPECT_THAT(read_bytes(scratch.path() / "README.md"), HasSubstr("rank_pattern"));
}

TEST(PeftAdapter, GgufModelsHaveTheirRowsInPairs) {
  for (const std::string name : {"llama", "gemma"}) {
    TinyModel folder(name);
    const AsGguf file(*folder, name);
    Model model(file.path());
    model.config().attention_scale = folder->config().attention_scale;
    const Adapter adapter = load_adapter(adapter_folder(name), model.config());
    const Golden golden(adapter_folder(name) / "golden.safetensors");
    EXPECT_LE(relative_l2(prefill_logits<float>(model, golden, exact_options(16, adapter.layers())), golden.logits),
              kF32Bound)
        << name;
  }
}

// What PEFT wrote, read and written by us, is the same file again: names, shapes and numbers, from either row order.
TEST(PeftAdapter, SavedAsPeftSavesIt) {
  for (const std::string name : {"llama", "gemma"}) {
    for (const std::string kind : {"adapter", "trained"}) {
      TinyModel model(name);
      for (const RopeLayout layout : {RopeLayout::kHalves, RopeLayout::kPairs}) {
        if (name == "gemma" && layout == RopeLayout::kPairs) continue;
        model->config().rope_layout = layout;
        const Scratch scratch;
        const Adapter adapter = load_adapter(adapter_folder(name, kind), model->config());
        save_adapter(scratch.path() / "out", adapter, model->config(), of_tiny());
        const SafetensorsFile ours(scratch.path() / "out" / "adapter_model.safetensors");
        const SafetensorsFile peft(adapter_folder(name, kind) / "adapter_model.safetensors");
        for (const SafetensorsEntry& entry : peft.entries()) {
          SCOPED_TRACE(entry.name);
          ASSERT_NE(ours.find(entry.name), nullptr);
          EXPECT_EQ(ours.find(entry.name)->shape, entry.shape);
          // Gemma's norms are 1 + w in memory: half an ulp of 1.
          const double bound = entry.name.ends_with("norm.weight") ? 1e-6 : 0;
          EXPECT_LE(relative_l2(numbers<float>(ours, entry.name), numbers<float>(peft, entry.name)), bound);
        }
        const Adapter again = load_adapter(scratch.path() / "out", model->config());
        EXPECT_EQ(again.settings(), adapter.settings());
        EXPECT_EQ(ours.entries().size(), peft.entries().size());
        EXPECT_EQ(read_json(scratch.path() / "out" / "adapter_config.json")["lora_alpha"],
                  read_json(adapter_folder(name, kind) / "adapter_config.json")["lora_alpha"]);
      }
    }
  }
}

TEST(NewAdapter, AIsUniformAsPeftHasItAndBIsZero) {
  TinyModel model("llama");
  AdapterSettings settings;
  settings.rank = 64;
  settings.matrices = {true, false, false, false, false, false, true};
  const Adapter adapter(model->config(), settings, 1);
  ASSERT_EQ(adapter.tensors().size(), model->config().layers * 4);
  EXPECT_FALSE(adapter.place(0, Matrix::kKey).present);
  EXPECT_EQ(adapter.layers()[0][static_cast<std::size_t>(Matrix::kKey)].rank, 0u);
  for (const AdapterTensor& tensor : adapter.tensors()) {
    const auto values = adapter.values().subspan(tensor.offset, tensor.size());
    double largest = 0, squares = 0;
    for (const float v : values) {
      largest = std::max(largest, std::fabs(static_cast<double>(v)));
      squares += static_cast<double>(v) * static_cast<double>(v);
    }
    if (tensor.name.ends_with("lora_B.weight")) {
      EXPECT_EQ(largest, 0);
      continue;
    }
    const double bound = 1 / std::sqrt(static_cast<double>(tensor.shape[1]));
    EXPECT_LE(largest, bound);
    EXPECT_NEAR(std::sqrt(squares / static_cast<double>(values.size())) / bound, std::sqrt(1.0 / 3), 0.03);
  }
}

TEST(NewAdapter, TheSeedDecides) {
  TinyModel model("gemma");
  AdapterSettings settings;
  settings.rank = 3;
  const Adapter one(model->config(), settings, 5), same(model->config(), settings, 5),
      other(model->config(), settings, 6);
  EXPECT_EQ(one.fingerprint(), same.fingerprint());
  EXPECT_NE(one.fingerprint(), other.fingerprint());
  settings.alpha = 7;
  EXPECT_NE(Adapter(model->config(), settings, 5).fingerprint(), one.fingerprint());
  EXPECT_NE(one.layers()[0][0].a[0], one.layers()[1][0].a[0]);
}

TEST(NewAdapter, BeginsAsTheModel) {
  for (const std::string name : {"llama", "llama-untied", "gemma"}) {
    TinyModel model(name);
    const Golden golden(tiny_folder(name) / "golden.safetensors", "base/");
    AdapterSettings settings;
    settings.rank = 2;
    settings.norms = settings.embeddings = true;
    const Adapter adapter(*model, settings, 3);
    use_trained_weights(adapter, *model);
    model->release(model->embedding());  // borrowed memory is not the file's to give back
    EXPECT_LE(relative_l2(prefill_logits<float>(*model, golden, exact_options(16, adapter.layers())), golden.logits),
              kF32Bound)
        << name;
  }
}

// ---- what is refused ----

class Hostile : public testing::Test {
 protected:
  Hostile() : config_(read_json(adapter_folder("llama") / "adapter_config.json")) {
    fs::copy(adapter_folder("llama") / "adapter_model.safetensors", scratch_.path());
  }
  void load() {
    scratch_.write("adapter_config.json", config_.dump());
    load_adapter(scratch_.path(), model_->config());
  }
  void refused(std::string_view part) {
    expect_user_error([&] { load(); }, part);
  }
  // The weights again, with a change to the list of entries.
  void rewrite(
      const std::function<void(std::vector<SafetensorsEntry>&, std::vector<std::vector<std::byte>>&)>& change) {
    const SafetensorsFile file(adapter_folder("llama") / "adapter_model.safetensors");
    std::vector<SafetensorsEntry> entries = file.entries();
    std::vector<std::vector<std::byte>> data;
    for (const auto& entry : entries) data.emplace_back(file.data(entry).begin(), file.data(entry).end());
    change(entries, data);
    std::string bytes = make_safetensors_header(entries, {});
    for (const auto& part : data) bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
    scratch_.write("adapter_model.safetensors", bytes);
  }

  Scratch scratch_;
  TinyModel model_{"llama"};
  json config_;
};

TEST_F(Hostile, SettingsThatChangeTheMathematics) {
  load();
  const std::map<std::string, json> settings = {{"use_dora", true},
                                                {"bias", "all"},
                                                {"lora_bias", true},
                                                {"fan_in_fan_out", true},
                                                {"trainable_token_indices", {1, 2}},
                                                {"target_parameters", {"weight"}},
                                                {"layer_replication", {{0, 1}}},
                                                {"use_qalora", true},
                                                {"use_bdlora", {{"target_modules_bd_a", {"q_proj"}}}},
                                                {"alora_invocation_tokens", {3}},
                                                {"arrow_config", {{"top_k", 2}}},
                                                {"peft_type", "LOHA"},
                                                {"init_lora_weights", "pissa"},
                                                {"a_setting_of_the_future", 0.5},
                                                {"task_type", "SEQ_CLS"},
                                                {"exclude_modules", ".*up_proj"},
                                                {"layers_pattern", "blocks"}};
  const json whole = config_;
  for (const auto& [key, value] : settings) {
    config_ = whole;
    config_[key] = value;
    refused("'" + key + "'");
  }
}

TEST_F(Hostile, NumbersOutOfRange) {
  const std::vector<std::pair<std::string, json>> settings = {{"r", 0},
                                                              {"r", -1},
                                                              {"r", 1 << 30},
                                                              {"r", "4"},
                                                              {"lora_alpha", "x"},
                                                              {"lora_dropout", 2},
                                                              {"r", 5},
                                                              {"target_modules", 3},
                                                              {"use_rslora", 3}};
  const json whole = config_;
  for (const auto& [key, value] : settings) {
    config_ = whole;
    config_[key] = value;
    refused(key == "r" && value == 5 ? "expected [5, " : "'" + key + "'");
  }
}

TEST_F(Hostile, Patterns) {
  const std::vector<std::pair<json, std::string>> patterns = {{{{"q_proj", 0}}, "'rank_pattern.q_proj'"},
                                                              {{{"q_proj", "4"}}, "'rank_pattern.q_proj'"},
                                                              {{{"(q_proj", 4}}, "(q_proj: no regular expression"},
                                                              {{{"((q{900}){900}){9}", 4}}, "no regular expression"},
                                                              {json::array({4}), "'rank_pattern'"},
                                                              {{{"q_proj", 3}}, "expected [3, "}};
  for (const auto& [pattern, part] : patterns) {
    config_["rank_pattern"] = pattern;
    refused(part);
  }
  config_.erase("rank_pattern");
  for (int i = 0; i < 300; ++i) config_["alpha_pattern"][cat("(q{0,900}){1}", i)] = 4;
  refused("is too long");
  config_["alpha_pattern"] = {{"(.*.*)*q", nullptr}};
  refused("alpha_pattern");
}

TEST_F(Hostile, ModulesToSaveInPart) {
  config_["modules_to_save"] = {"input_layernorm"};
  refused("some norms and not others");
  config_["modules_to_save"] = {"embed_tokens"};
  refused("ensure_weight_tying");
  config_["modules_to_save"] = {"norm"};
  refused("layers.0.input_layernorm.weight is missing");
}

TEST_F(Hostile, TargetsInEverySpelling) {
  config_["target_modules"] = "all-linear";
  load();
  config_["target_modules"] = ".*(q|k|v|o|gate|up|down)_proj";
  load();
  config_["target_modules"] = {"model.layers.0.self_attn.q_proj"};
  refused("is for nothing that tome adapts");
  config_["target_modules"] = json::array();
  refused("target_modules");
  config_["target_modules"] = {"lm_head"};
  refused("names no linear layer");
}

TEST_F(Hostile, TensorsThatDoNotFit) {
  rewrite([](auto& entries, auto&) { entries[3].name = "base_model.model.lm_head.lora_A.weight"; });
  refused("is missing");
  rewrite([](auto& entries, auto&) { std::swap(entries[0].shape[0], entries[0].shape[1]); });
  refused("got shape");
  rewrite([](auto& entries, auto& data) {
    entries.push_back({"base_model.model.lm_head.lora_A.weight", "F32", {1}, 0, 4});
    data.emplace_back(4);
  });
  refused("lm_head.lora_A.weight");
  rewrite([](auto& entries, auto&) { entries[0].dtype = "I32"; });
  refused("got type I32");
  rewrite([](auto&, auto& data) {
    const float bad = NAN;
    std::memcpy(data[1].data(), &bad, sizeof bad);
  });
  refused("not finite");
}

TEST_F(Hostile, AnAdapterOfAnotherModel) {
  fs::copy(adapter_folder("gemma") / "adapter_model.safetensors", scratch_.path(),
           fs::copy_options::overwrite_existing);
  refused("adapter_model.safetensors");
}

TEST_F(Hostile, FilesMissing) {
  fs::remove(scratch_.path() / "adapter_model.safetensors");
  refused("adapter_model.safetensors");
  scratch_.write("adapter_model.bin", "pickle");
  refused("save it again with PEFT");
  expect_user_error([&] { load_adapter(scratch_.path() / "none", model_->config()); }, "adapter_config.json");
}

TEST_F(Hostile, ATiedMatrixThatDiffers) {
  config_ = read_json(adapter_folder("llama", "trained") / "adapter_config.json");
  fs::copy(adapter_folder("llama", "trained") / "adapter_model.safetensors", scratch_.path(),
           fs::copy_options::overwrite_existing);
  load();
  std::string bytes = read_bytes(scratch_.path() / "adapter_model.safetensors");
  const SafetensorsFile file(scratch_.path() / "adapter_model.safetensors");
  bytes[file.find("base_model.model.lm_head.weight")->offset] ^= 1;
  scratch_.write("changed", bytes);
  fs::rename(scratch_.path() / "changed", scratch_.path() / "adapter_model.safetensors");
  refused("differs from the embedding");
}

// F16 and BF16 tensors are read; a few layers alone too.
TEST_F(Hostile, NarrowTensorsAndFewLayersAreFine) {
  rewrite([](auto& entries, auto& data) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      entries[i].dtype = "BF16";
      entries[i].bytes /= 2;
      std::vector<std::byte> upper;
      for (std::size_t at = 0; at < data[i].size(); at += 4) {
        upper.push_back(data[i][at + 2]);
        upper.push_back(data[i][at + 3]);
      }
      data[i] = upper;
    }
  });
  load();
  config_["layers_to_transform"] = 1;
  rewrite([](auto& entries, auto& data) {
    for (std::size_t i = entries.size(); i-- > 0;) {
      if (entries[i].name.find(".layers.1.") != std::string::npos) continue;
      entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(i));
      data.erase(data.begin() + static_cast<std::ptrdiff_t>(i));
    }
  });
  scratch_.write("adapter_config.json", config_.dump());
  const Adapter adapter = load_adapter(scratch_.path(), model_->config());
  EXPECT_FALSE(adapter.place(0, Matrix::kQuery).present);
  EXPECT_TRUE(adapter.place(1, Matrix::kQuery).present);
  save_adapter(scratch_.path() / "again", adapter, model_->config(), of_tiny());
  EXPECT_EQ(load_adapter(scratch_.path() / "again", model_->config()).fingerprint(), adapter.fingerprint());
}

// ---- how it is used ----

TEST(AdapterUse, ComesBack) {
  TinyModel model("llama");
  const Scratch scratch;
  const AdapterUse use{"a \"model\"", 0x0123456789abcdefu, "linear:4:64", 256, "qa"};
  save_adapter(scratch.path(), load_adapter(adapter_folder("llama"), model->config()), model->config(), use);
  EXPECT_EQ(load_adapter_use(scratch.path()), use);
  EXPECT_EQ(scratch.names().size(), 4u);
  EXPECT_FALSE(load_adapter_use(adapter_folder("llama")).has_value());
}

TEST(AdapterUse, HostileFiles) {
  const Scratch scratch;
  const auto refused = [&](const std::string& text, std::string_view part) {
    scratch.write("tome.json", text);
    expect_user_error([&] { load_adapter_use(scratch.path()); }, part);
  };
  refused("[]", "expected an object");
  refused("{}", "schema_version");
  refused(R"({"schema_version": 2})", "another tome");
  refused(R"({"schema_version": 1, "window": -1})", "window");
  refused(R"({"schema_version": 1, "base_fingerprint": "xyz"})", "base_fingerprint");
  refused(R"({"schema_version": 1, "magic": 1})", "magic");
}

TEST(AdapterUse, TheCardStatesTransformersRope) {
  const Scratch scratch;
  TinyModel model("gemma");
  const ModelConfig own = model->config();
  stretch_context(model->config(), 4 * own.context_length, "linear:4");
  EXPECT_EQ(rope_scaling_of_use(own, own), "");
  EXPECT_EQ(rope_scaling_of_use(own, model->config()), cat("linear:4:", own.context_length));
  save_adapter(scratch.path(), load_adapter(adapter_folder("gemma"), own), model->config(), of_tiny());
  const std::string card = read_bytes(scratch.path() / "README.md");
  EXPECT_THAT(card, HasSubstr("base_model: \"tiny\""));
  EXPECT_THAT(card, HasSubstr(R"("full_attention":{"factor":4.0,"rope_theta":)"));
  EXPECT_THAT(card, HasSubstr(cat("config.max_position_embeddings = ", 4 * own.context_length)));
}

}  // namespace
}  // namespace tome
