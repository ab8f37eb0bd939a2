// GGUF files that lie: each must be a UserError of one line, or open as something whose every byte can be read.
#include <algorithm>

#include "files.h"
#include "formats/gguf.h"
#include "gguf_bytes.h"
#include "memory_file.h"

namespace tome {
namespace {

constexpr std::uint64_t kHuge = 0xffffffffffffffffu;

/// Reads all that a file gives out.
void use(const GgufFile& file) {
  for (const auto& [key, value] : file.metadata()) EXPECT_FALSE(file.encoded(key).empty());
  for (const TensorView& tensor : file.tensors()) {
    ASSERT_EQ(file.find_tensor(tensor.name), &tensor);
    ASSERT_LE(tensor.values(), 8 * file.file().bytes().size());
    std::vector<float> row(tensor.columns());
    for (std::size_t r = 0; r < tensor.rows(); ++r) dequantize(tensor.type, tensor.row(r), row);
  }
}

void expect_refused(const GgufBytes& made, std::string_view part) {
  SCOPED_TRACE(part);
  const MemoryFile bad(made.bytes);
  expect_user_error([&] { const GgufFile file(bad.path()); }, part);
  expect_user_error([&] { const GgufFile file(bad.path()); }, bad.path().string() + ": ");
}

TEST(GgufHostile, CutShortAnywhere) {
  const std::string whole = read_bytes(golden("every_type.gguf"));
  const GgufFile good(golden("every_type.gguf"));
  const std::byte* begin = good.file().bytes().data();
  std::size_t end = 0;
  for (const TensorView& tensor : good.tensors()) {
    end = std::max(end, static_cast<std::size_t>(tensor.data.data() + tensor.data.size() - begin));
  }
  ASSERT_GT(end, 1000u);
  for (std::size_t length = 0; length < end; ++length) {
    const MemoryFile cut(whole.substr(0, length));
    expect_user_error([&] { const GgufFile file(cut.path()); }, length < 4 ? "not a GGUF file" : cut.path().string());
  }
  const MemoryFile enough(whole.substr(0, end));
  EXPECT_NO_THROW(GgufFile(enough.path()));
}

TEST(GgufHostile, BytesChangedAtRandom) {
  const std::string whole = read_bytes(golden("every_type.gguf"));
  Dice dice(3);
  int opened = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = whole;
    for (std::size_t i = dice.below(3) + 1; i > 0; --i)
      bytes[dice.below(bytes.size())] = static_cast<char>(dice.next());
    const MemoryFile changed(bytes);
    try {
      const GgufFile file(changed.path());
      use(file);
      ++opened;
    } catch (const UserError& error) {
      EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
    }
  }
  EXPECT_GT(opened, 100);  // changes in strings and data are no damage that a reader can see
  EXPECT_LT(opened, 4900);
}

TEST(GgufHostile, Header) {
  expect_refused({}, "not a GGUF file");
  expect_refused({"GGML\3"}, "not a GGUF file");
  expect_refused(GgufBytes().header(0, 0, 1), "GGUF version: got 1, expected 2 or 3");
  expect_refused(GgufBytes().header(0, 0, 4), "got 4, expected 2 or 3");
  expect_refused(GgufBytes().header(0, 0, 0x03000000), "big-endian");
  expect_refused(GgufBytes().header(kHuge, 0), "tensors, expected at most 0");
  expect_refused(GgufBytes().header(0, kHuge), "metadata keys, expected at most 0");
  expect_refused(GgufBytes().header(3, 0).data(64), "got 3 tensors, expected at most 2");
}

TEST(GgufHostile, Metadata) {
  expect_refused(GgufBytes().header(0, 1).u64(kHuge).data(64), "'metadata key' at byte 32 needs 18446744073709551615");
  expect_refused(GgufBytes().header(0, 1).key("k", GgufType::kString).u64(kHuge).data(32), "'k' at byte");
  expect_refused(GgufBytes().header(0, 1).key("k", GgufType{13}).data(32), "'k': got value type 13, expected 0 to 12");
  expect_refused(GgufBytes().header(0, 1).key("k", GgufType::kBool).number(std::uint8_t{2}), "got 2 for a bool");
  expect_refused(GgufBytes().header(0, 1).array("k", GgufType::kInt32, kHuge / 2).data(32), "array elements");
  expect_refused(GgufBytes().header(0, 1).array("k", GgufType::kString, 1u << 30).data(32), "array elements");
  expect_refused(GgufBytes().header(0, 1).array("k", GgufType{99}, 1).data(32), "array of value type 99");
  expect_refused(GgufBytes().header(0, 1).array("k", GgufType::kUint64, 1).u64(kHuge), "expected less than 2^63");
  expect_refused(GgufBytes().header(0, 2).key("k", GgufType::kInt8).number('1').key("k", GgufType::kInt8).number('1'),
                 "metadata key 'k' appears twice");
  expect_refused(GgufBytes().header(0, 1).key("two\nlines\x1b", GgufType{13}).data(32), "'two\\x0alines\\x1b'");
}

TEST(GgufHostile, DeepArrays) {
  GgufBytes deep;
  deep.header(0, 1).array("k", GgufType::kArray, 1);
  for (int i = 0; i < 100000; ++i) deep.number(GgufType::kArray).u64(1);
  expect_refused(deep, "array of arrays");
}

TEST(GgufHostile, Alignment) {
  for (const std::uint32_t alignment : {0u, 1u, 4u, 33u, 48u, 0x80000000u}) {
    expect_refused(GgufBytes().header(0, 1).key("general.alignment", GgufType::kUint32).u32(alignment),
                   "general.alignment: got ");
  }
  expect_refused(GgufBytes().header(0, 1).key("general.alignment", GgufType::kString).string("32"),
                 "is not an integer");
  expect_refused(GgufBytes().header(1, 0).tensor("t", TensorType::kF32, 1, 4).data(64),
                 "'t': got offset 4, expected a multiple of 32");
}

TEST(GgufHostile, Shapes) {
  expect_refused(GgufBytes().header(1, 0).string("t").u32(0).data(64), "'t': got 0 dimensions, expected 1 to 4");
  expect_refused(GgufBytes().header(1, 0).string("t").u32(5).data(64), "'t': got 5 dimensions");
  expect_refused(GgufBytes().header(1, 0).string("t").u32(kHuge & 0xffffffff).data(64), "dimensions");
  expect_refused(GgufBytes().header(1, 0).tensor("t", TensorType::kF32, 0, 0).data(64), "'t': got an extent of 0");
  expect_refused(GgufBytes().header(1, 0).tensor("t", TensorType::kF32, kHuge, 0).data(64), "'t': got an extent of");
  for (const std::uint64_t extent :
       {std::uint64_t{1} << 32, std::uint64_t{1} << 62, kHuge}) {  // products that wrap to 0
    const auto made = GgufBytes().header(1, 0).string("t").u32(2).u64(extent).u64(extent).u32(0).u64(0).data(64);
    expect_refused(made, "'t': got an extent of");
  }
  expect_refused(GgufBytes().header(1, 0).tensor("t", TensorType::kQ4_K, 128, 0).data(512),
                 "'t': got rows of 128 numbers, expected a multiple of 256 for Q4_K");
}

TEST(GgufHostile, Types) {
  expect_refused(GgufBytes().header(1, 0).tensor("t", TensorType{13}, 256, 0).data(512), "'t': got type Q5_K");
  expect_refused(GgufBytes().header(1, 0).tensor("t", TensorType{4}, 256, 0).data(512), "'t': got type number 4");
  expect_refused(GgufBytes().header(1, 0).tensor("t", TensorType{0xffffffff}, 256, 0).data(512), "number 4294967295");
}

TEST(GgufHostile, Offsets) {
  expect_refused(GgufBytes().header(1, 0).tensor("t", TensorType::kF32, 17, 0).data(64),
                 "'t': got 64 bytes of tensor data, expected 68 at offset 0");
  expect_refused(GgufBytes().header(1, 0).tensor("t", TensorType::kF32, 1, 64).data(64), "expected 4 at offset 64");
  expect_refused(GgufBytes().header(1, 0).tensor("t", TensorType::kF32, 16, kHuge - 31).data(64),
                 "expected 64 at offset 18446744073709551584");  // their sum wraps to 32
  expect_refused(
      GgufBytes().header(2, 0).tensor("t", TensorType::kF32, 9, 0).tensor("u", TensorType::kF32, 1, 32).data(64),
      "tensors 't' and 'u' overlap at offset 32");
  expect_refused(
      GgufBytes().header(2, 0).tensor("t", TensorType::kF32, 1, 0).tensor("u", TensorType::kF32, 1, 0).data(64),
      "overlap at offset 0");
  expect_refused(
      GgufBytes().header(2, 0).tensor("t", TensorType::kF32, 1, 0).tensor("t", TensorType::kF32, 1, 32).data(64),
      "tensor 't' appears twice");
}

TEST(GgufHostile, NoFile) {
  const Scratch scratch;
  expect_user_error([&] { const GgufFile file(scratch.path() / "none.gguf"); }, "none.gguf: No such file");
  expect_user_error([&] { const GgufFile file(scratch.path()); }, "not a regular file");
}

}  // namespace
}  // namespace tome
