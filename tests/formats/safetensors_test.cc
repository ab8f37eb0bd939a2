// Good safetensors files, headers of our own, and Hugging Face folders (golden/models, written by transformers).
#include <nlohmann/json.hpp>

#include "files.h"
#include "formats/safetensors_folder.h"

namespace tome {
namespace {

using testing::ElementsAre;

TEST(Safetensors, ReadsWhatThePackageWrote) {
  const SafetensorsFile file(golden("packing.safetensors"));
  EXPECT_THAT(file.metadata(), ElementsAre(std::pair("made by", "make_formats.py")));
  const SafetensorsEntry* entry = file.find("Q4_K/values");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->dtype, "F32");
  EXPECT_THAT(entry->shape, ElementsAre(2048));
  EXPECT_EQ(entry->bytes, 8192u);
  EXPECT_EQ(numbers<float>(file, "F32/values")[0], -3.0f);
  EXPECT_EQ(file.find("Q4_K"), nullptr);
}

std::vector<SafetensorsEntry> three_entries() {
  return {{"weight \"one\"", "F32", {2, 8}, 0, 64}, {"empty", "I64", {0, 3}, 0, 0}, {"\xe2\x96\x81", "U8", {}, 0, 1}};
}

TEST(Safetensors, HeaderThereAndBack) {
  std::vector<SafetensorsEntry> entries = three_entries();
  std::string bytes = make_safetensors_header(entries, {{"format", "pt"}, {"line", "a\nb"}});
  EXPECT_EQ(bytes.size() % 64, 0u);
  EXPECT_EQ(entries[0].offset, bytes.size());
  EXPECT_EQ(entries[1].offset, bytes.size() + 64);
  EXPECT_EQ(entries[2].offset, bytes.size() + 64);
  bytes += std::string(64, 'x') + "y";
  const Scratch scratch;
  const SafetensorsFile file(scratch.write("made.safetensors", bytes));
  EXPECT_EQ(file.metadata().at("line"), "a\nb");
  ASSERT_EQ(file.entries().size(), 3u);
  for (const SafetensorsEntry& entry : entries) {
    const SafetensorsEntry* found = file.find(entry.name);
    ASSERT_NE(found, nullptr) << entry.name;
    EXPECT_EQ(found->dtype, entry.dtype);
    EXPECT_EQ(found->shape, entry.shape);
    EXPECT_EQ(found->offset, entry.offset);
    EXPECT_EQ(found->bytes, entry.bytes);
  }
  EXPECT_EQ(file.data(*file.find("\xe2\x96\x81"))[0], std::byte{'y'});
}

TEST(Safetensors, HeaderOfNothing) {
  std::vector<SafetensorsEntry> none;
  const Scratch scratch;
  const SafetensorsFile file(scratch.write("none.safetensors", make_safetensors_header(none, {})));
  EXPECT_TRUE(file.entries().empty());
}

TEST(Safetensors, HeaderRefusesWrongNames) {
  std::vector<SafetensorsEntry> twice{{"a", "U8", {1}, 0, 1}, {"a", "U8", {1}, 0, 1}};
  EXPECT_THROW(make_safetensors_header(twice, {}), InternalError);
  std::vector<SafetensorsEntry> no_text{{"\xff", "U8", {1}, 0, 1}};
  expect_user_error([&] { make_safetensors_header(no_text, {}); }, "not UTF-8");
}

std::filesystem::path model(const std::string& name) {
  return std::filesystem::path(TOME_GOLDEN_DIR) / "models" / name;
}

TEST(SafetensorsFolder, OneFile) {
  const SafetensorsFolder folder(model("llama"));
  EXPECT_EQ(folder.files().size(), 1u);
  const TensorView* norm = folder.find_tensor("model.norm.weight");
  ASSERT_NE(norm, nullptr);
  EXPECT_EQ(norm->type, TensorType::kF32);
  EXPECT_THAT(norm->shape, ElementsAre(24));
  EXPECT_EQ(folder.find_tensor("model.norm"), nullptr);
}

TEST(SafetensorsFolder, Shards) {
  const SafetensorsFolder folder(model("llama-untied"));
  EXPECT_GT(folder.files().size(), 1u);
  const auto index = nlohmann::json::parse(read_bytes(model("llama-untied") / "model.safetensors.index.json"));
  for (const auto& [name, shard] : index.at("weight_map").items()) {
    const TensorView* tensor = folder.find_tensor(name);
    ASSERT_NE(tensor, nullptr) << name;
    const SafetensorsFile file(model("llama-untied") / shard.get<std::string>());
    std::vector<float> values(tensor->values());
    dequantize(tensor->type, tensor->data, values);
    EXPECT_EQ(values, numbers<float>(file, name));
  }
  EXPECT_EQ(folder.tensors().size(), index.at("weight_map").size());
}

std::string one_tensor(const std::string& name, const std::string& dtype, std::vector<std::size_t> shape,
                       std::size_t bytes) {
  std::vector<SafetensorsEntry> entries{{name, dtype, std::move(shape), 0, bytes}};
  return make_safetensors_header(entries, {}) + std::string(bytes, '\0');
}

TEST(SafetensorsFolder, WrongWeights) {
  const Scratch scratch;
  expect_user_error([&] { SafetensorsFolder folder(scratch.path()); }, "neither model.safetensors nor");
  expect_user_error([&] { SafetensorsFolder folder(scratch.path() / "none"); }, "none: got neither");
  scratch.write("model.safetensors", one_tensor("w", "I32", {2}, 8));
  expect_user_error([&] { SafetensorsFolder folder(scratch.path()); },
                    "model.safetensors: tensor 'w': got type I32, expected F32, F16 or BF16");
  scratch.write("model.safetensors", one_tensor("w", "F32", {2, 0}, 0));
  expect_user_error([&] { SafetensorsFolder folder(scratch.path()); }, "tensor 'w' is empty");
  scratch.write("model.safetensors", one_tensor("w", "BF16", {2, 2}, 8));
  EXPECT_EQ(SafetensorsFolder(scratch.path()).tensors().at(0).type, TensorType::kBF16);
}

TEST(SafetensorsFolder, WrongIndex) {
  const Scratch scratch;
  scratch.write("one.safetensors", one_tensor("w", "F32", {2}, 8));
  scratch.write("two.safetensors", one_tensor("w", "F32", {2}, 8));
  const auto expect_refused = [&](const std::string& index, std::string_view part) {
    SCOPED_TRACE(index);
    scratch.write("model.safetensors.index.json", index);
    expect_user_error([&] { SafetensorsFolder folder(scratch.path()); }, part);
  };
  expect_refused("[]", "got no object 'weight_map'");
  expect_refused("{}", "got no object 'weight_map'");
  expect_refused(R"({"weight_map": {}})", "got no object 'weight_map'");
  expect_refused(R"({"weight_map": {"w": 3}})", "tensor 'w' is not in a file of this folder");
  expect_refused(R"({"weight_map": {"w": "../one.safetensors"}})", "expected a plain file name");
  expect_refused(R"({"weight_map": {"w": "/etc/passwd"}})", "expected a plain file name");
  expect_refused(R"({"weight_map": {"w": ".."}})", "expected a plain file name");
  expect_refused("{\"weight_map\": {\"w\": \"one\\u0000.safetensors\"}}", "expected a plain file name");
  expect_refused(R"({"weight_map": {"w": "none.safetensors"}})", "none.safetensors: No such file");
  expect_refused(R"({"weight_map": {"v": "one.safetensors"}})", "tensor 'v' is not in 'one.safetensors'");
  expect_refused(R"({"weight_map": {"w": "one.safetensors", "w": "one.safetensors"}})", "a key appears twice");
  expect_refused(R"({"metadata": [[[[1]]]], "weight_map": {"w": "one.safetensors"}})", "nesting deeper than 4");
  expect_refused(R"({"weight_map": {"w": "one.safetensors")", "not valid JSON, the mistake is at byte");
}

TEST(SafetensorsFolder, TensorInTwoShards) {
  const Scratch scratch;
  std::vector<SafetensorsEntry> entries{{"v", "F32", {2}, 0, 8}, {"w", "F32", {2}, 0, 8}};
  scratch.write("one.safetensors", one_tensor("w", "F32", {2}, 8));
  scratch.write("two.safetensors", make_safetensors_header(entries, {}) + std::string(16, '\0'));
  scratch.write("model.safetensors.index.json", R"({"weight_map": {"w": "one.safetensors", "v": "two.safetensors"}})");
  expect_user_error([&] { SafetensorsFolder folder(scratch.path()); }, "tensor 'w' is in two shards");
}

}  // namespace
}  // namespace tome
