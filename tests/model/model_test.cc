// A model's folder: what is missing or has another shape is refused by name; the fingerprint is of all that matters.
#include "model/model.h"

#include "tiny_models.h"

namespace tome {
namespace {

// A writable copy of a tiny model.
class Copy {
 public:
  explicit Copy(const std::string& name) {
    for (const auto& entry : std::filesystem::directory_iterator(tiny_folder(name))) {
      const std::string file = entry.path().filename();
      if (file.starts_with("model") || file == "config.json")
        std::filesystem::copy_file(entry.path(), scratch_.path() / file);
    }
  }
  const std::filesystem::path& path() const { return scratch_.path(); }

  /// The first occurrence in a file.
  void replace(const std::string& file, const std::string& from, const std::string& to) {
    std::string bytes = read_bytes(path() / file);
    const std::size_t at = bytes.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    scratch_.write(file, bytes.replace(at, from.size(), to));
  }
  void set(const std::string& key, const nlohmann::json& value) {
    nlohmann::json config = read_json(path() / "config.json");
    config[key] = value;
    scratch_.write("config.json", config.dump());
  }

 private:
  Scratch scratch_;
};

TEST(Model, AMissingTensorIsNamed) {
  for (const std::string name : {"model.norm.weight", "model.layers.1.mlp.up_proj.weight", "model.embed_tokens.weight",
                                 "model.layers.0.input_layernorm.weight"}) {
    Copy copy("llama");
    std::string other = name;
    other[other.size() - 1] = 'X';
    copy.replace("model.safetensors", '"' + name + '"', '"' + other + '"');
    expect_user_error([&] { Model model(copy.path()); }, name);
  }
  Copy untied("llama");
  untied.set("tie_word_embeddings", false);
  expect_user_error([&] { Model model(untied.path()); }, "lm_head.weight");
}

TEST(Model, AnotherShapeIsRefused) {
  const std::pair<const char*, int> changes[] = {
      {"hidden_size", 28}, {"intermediate_size", 40}, {"vocab_size", 160}, {"num_key_value_heads", 4}, {"head_dim", 8}};
  for (const auto& [key, value] : changes) {
    Copy copy("llama");
    copy.set(key, value);
    expect_user_error([&] { Model model(copy.path()); }, copy.path().string());
  }
}

TEST(Model, AnAbsentFileIsAnError) {
  const Scratch scratch;
  expect_user_error([&] { Model model(scratch.path() / "absent.gguf"); }, "absent.gguf");
  expect_user_error([&] { Model model(scratch.path()); }, "config.json");
}

TEST(Model, TheFingerprintIsOfEverythingThatMatters) {
  const Copy original("llama");
  const std::uint64_t fingerprint = Model(original.path()).fingerprint();
  EXPECT_EQ(Model(Copy("llama").path()).fingerprint(), fingerprint);
  EXPECT_NE(Model(Copy("gemma").path()).fingerprint(), fingerprint);
  Copy epsilon("llama");
  epsilon.set("rms_norm_eps", 1e-5);
  EXPECT_NE(Model(epsilon.path()).fingerprint(), fingerprint);
  Copy norm("llama");  // a weight of the first layer's norm
  std::string bytes = read_bytes(norm.path() / "model.safetensors");
  const SafetensorsFile file(original.path() / "model.safetensors");
  bytes[file.find("model.layers.0.input_layernorm.weight")->offset + 2] ^= 0x40;
  std::ofstream(norm.path() / "model.safetensors", std::ios::binary) << bytes;
  EXPECT_NE(Model(norm.path()).fingerprint(), fingerprint);
}

TEST(Model, ReleasedPagesAreReadAgain) {
  for (const std::string name : {"llama", "llama-untied"}) {
    TinyModel model(name);
    const std::uint64_t fingerprint = model->fingerprint();
    for (std::size_t layer = 0; layer < model->config().layers; ++layer) model->release_layer(layer);
    model->release(model->embedding());
    EXPECT_EQ(model->fingerprint(), fingerprint);
    EXPECT_GT(model->file_bytes(), 1000u);
  }
}

}  // namespace
}  // namespace tome
