// Good GGUF files: one by the package gguf with every metadata type, version 2, and the real models where they are.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "files.h"
#include "formats/gguf.h"
#include "gguf_bytes.h"

namespace tome {
namespace {

using testing::ElementsAre;
using Integers = std::vector<std::int64_t>;

TEST(Gguf, ScalarsOfEveryType) {
  const GgufFile file(golden("every_type.gguf"));
  EXPECT_EQ(file.get<std::string_view>("general.architecture"), "llama");
  EXPECT_EQ(file.get<std::int64_t>("one.uint8"), 200);
  EXPECT_EQ(file.get<std::int64_t>("one.int8"), -100);
  EXPECT_EQ(file.get<std::int64_t>("one.uint16"), 60000);
  EXPECT_EQ(file.get<std::int64_t>("one.int16"), -30000);
  EXPECT_EQ(file.get<std::int64_t>("one.uint32"), 4000000000);
  EXPECT_EQ(file.get<std::int64_t>("one.int32"), -2000000000);
  EXPECT_EQ(file.get<std::int64_t>("one.int64"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(std::get<std::uint64_t>(file.metadata().at("one.uint64")), 0xffffffffffffffffu);
  EXPECT_EQ(file.get<double>("one.float32"), 0.5);
  EXPECT_EQ(file.get<double>("one.float64"), 0.1);
  EXPECT_EQ(file.get<double>("one.int8"), -100.0);
  EXPECT_EQ(file.get<bool>("one.bool"), true);
  EXPECT_EQ(file.get<std::string_view>("one.string"), "na\xc3\xafve");
}

TEST(Gguf, ArraysOfEveryType) {
  const GgufFile file(golden("every_type.gguf"));
  EXPECT_THAT(file.get<Integers>("many.uint8"), ElementsAre(1, 200));
  EXPECT_THAT(file.get<Integers>("many.int8"), ElementsAre(-1, 100));
  EXPECT_THAT(file.get<Integers>("many.uint16"), ElementsAre(60000));
  EXPECT_THAT(file.get<Integers>("many.int16"), ElementsAre(-30000, 3));
  EXPECT_THAT(file.get<Integers>("many.uint32"), ElementsAre(4000000000));
  EXPECT_THAT(file.get<Integers>("many.int32"), ElementsAre(-7, 8, 9));
  EXPECT_THAT(file.get<Integers>("many.uint64"), ElementsAre(std::numeric_limits<std::int64_t>::max()));
  EXPECT_THAT(file.get<Integers>("many.int64"), ElementsAre(-5));
  EXPECT_THAT(file.get<std::vector<float>>("many.float32"), ElementsAre(0.5f, -1.25f));
  EXPECT_THAT(file.get<std::vector<float>>("many.float64"), ElementsAre(0.25f));
  EXPECT_THAT(std::get<std::vector<bool>>(file.metadata().at("many.bool")), ElementsAre(true, false, true));
  EXPECT_THAT(file.get<std::vector<std::string_view>>("many.string"), ElementsAre("", "two", "\xe2\x96\x81three"));
}

TEST(Gguf, Tensors) {
  const GgufFile file(golden("every_type.gguf"));
  ASSERT_EQ(file.tensors().size(), 3u);
  const TensorView* matrix = file.find_tensor("matrix");
  ASSERT_NE(matrix, nullptr);
  EXPECT_EQ(matrix->type, TensorType::kQ8_0);
  EXPECT_THAT(matrix->shape, ElementsAre(3, 64));
  EXPECT_EQ(matrix->rows(), 3u);
  std::vector<float> row(64);
  dequantize(matrix->type, matrix->row(2), row);
  EXPECT_NEAR(row[5], (2 * 64 + 5) / 256.0 - 1, 0.005);  // half a step of Q8_0 at 1 is 0.004
  EXPECT_THAT(file.find_tensor("cube")->shape, ElementsAre(2, 3, 4));
  EXPECT_EQ(file.find_tensor("vector")->values(), 5u);
  EXPECT_EQ(file.find_tensor("matri"), nullptr);
}

TEST(Gguf, FindSaysWhatIsWrong) {
  const GgufFile file(golden("every_type.gguf"));
  EXPECT_EQ(file.find<bool>("nothing"), std::nullopt);
  expect_user_error([&] { (void)file.get<bool>("nothing"); }, "'nothing' is missing, expected a bool");
  expect_user_error([&] { (void)file.find<std::string_view>("one.bool"); }, "'one.bool' is not a string");
  expect_user_error([&] { (void)file.find<std::int64_t>("one.uint64"); }, "'one.uint64' is not an integer below 2^63");
  expect_user_error([&] { (void)file.find<Integers>("many.float32"); }, "not an array of integers");
  expect_user_error([&] { (void)file.find<double>("many.float32"); }, "every_type.gguf: metadata key");
}

TEST(Gguf, VersionTwoAndOwnAlignment) {
  GgufBytes made;
  made.header(2, 1, 2).key("general.alignment", GgufType::kUint32).u32(64);
  made.tensor("a", TensorType::kF32, 3, 0).tensor("b", TensorType::kF32, 1, 64).pad_to(64);
  const std::size_t begin = made.bytes.size();
  made.bytes.append(64, '\0');
  made.number(2.5f);
  const Scratch scratch;
  const GgufFile file(scratch.write("v2.gguf", made.bytes));
  EXPECT_EQ(file.find_tensor("b")->data.data(), file.file().bytes().data() + begin + 64);
  std::vector<float> out(1);
  dequantize(TensorType::kF32, file.find_tensor("b")->data, out);
  EXPECT_EQ(out[0], 2.5f);
}

TEST(Gguf, StaysWholeWhenMoved) {
  GgufFile file(golden("every_type.gguf"));
  const GgufFile moved = std::move(file);
  EXPECT_NE(moved.find_tensor("matrix"), nullptr);
  EXPECT_EQ(moved.get<std::string_view>("general.architecture"), "llama");
}

std::filesystem::path models_folder() {
  if (const char* data = std::getenv("XDG_DATA_HOME")) return std::filesystem::path(data) / "tome/models";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home == nullptr ? "/" : home) / ".local/share/tome/models";
}

std::string fnv1a(std::span<const float> values) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::byte byte : std::as_bytes(values)) {
    hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001b3u;
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

class RealModel : public testing::TestWithParam<const char*> {};

TEST_P(RealModel, RowsOfEveryTypeAreThoseOfGguf) {
  const std::filesystem::path path = models_folder() / GetParam();
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path << "; ./run setup fetches it";
  const GgufFile file(path);
  const nlohmann::json goldens = nlohmann::json::parse(read_bytes(golden("model_rows.json"))).at(GetParam());
  EXPECT_GE(goldens.size(), 8u);
  for (const nlohmann::json& expected : goldens) {
    const TensorView* tensor = file.find_tensor(expected.at("tensor").get<std::string>());
    ASSERT_NE(tensor, nullptr) << expected;
    EXPECT_EQ(info(tensor->type).name, expected.at("type").get<std::string>());
    ASSERT_EQ(tensor->columns(), expected.at("columns")) << expected;
    std::vector<float> row(tensor->columns());
    dequantize(tensor->type, tensor->row(expected.at("row")), row);
    EXPECT_EQ(fnv1a(row), expected.at("fnv1a")) << expected;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, RealModel, testing::Values("gemma.gguf", "smollm2.gguf"),
                         [](const auto& param) { return param.param[0] == 'g' ? "gemma" : "smollm2"; });

}  // namespace
}  // namespace tome
