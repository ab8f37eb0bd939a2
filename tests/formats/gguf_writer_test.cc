// Written GGUF files: byte for byte those of the package gguf, whole or not at all.
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "files.h"
#include "formats/gguf.h"
#include "formats/gguf_writer.h"

namespace tome {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

template <typename T>
void add_array(GgufWriter& writer, std::string_view key, std::vector<T> values) {
  writer.add_array(key, std::span<const T>(values));
}

/// What golden/make_formats.py writes.
void write_every_type(const std::filesystem::path& path) {
  GgufWriter writer(path);
  writer.add("general.architecture", std::string_view("llama"));
  writer.add("one.uint8", std::uint8_t{200});
  writer.add("one.int8", std::int8_t{-100});
  writer.add("one.uint16", std::uint16_t{60000});
  writer.add("one.int16", std::int16_t{-30000});
  writer.add("one.uint32", std::uint32_t{4000000000});
  writer.add("one.int32", std::int32_t{-2000000000});
  writer.add("one.uint64", std::numeric_limits<std::uint64_t>::max());
  writer.add("one.int64", std::numeric_limits<std::int64_t>::min());
  writer.add("one.float32", 0.5f);
  writer.add("one.float64", 0.1);
  writer.add("one.bool", true);
  writer.add("one.string", std::string_view("na\xc3\xafve"));
  add_array<std::uint8_t>(writer, "many.uint8", {1, 200});
  add_array<std::int8_t>(writer, "many.int8", {-1, 100});
  add_array<std::uint16_t>(writer, "many.uint16", {60000});
  add_array<std::int16_t>(writer, "many.int16", {-30000, 3});
  add_array<std::uint32_t>(writer, "many.uint32", {4000000000});
  add_array<std::int32_t>(writer, "many.int32", {-7, 8, 9});
  add_array<std::uint64_t>(writer, "many.uint64", {0x7fffffffffffffff});
  add_array<std::int64_t>(writer, "many.int64", {-5});
  add_array<float>(writer, "many.float32", {0.5f, -1.25f});
  add_array<double>(writer, "many.float64", {0.25});
  const bool bools[] = {true, false, true};
  writer.add_array("many.bool", std::span<const bool>(bools));
  add_array<std::string_view>(writer, "many.string", {"", "two", "\xe2\x96\x81three"});

  std::vector<float> values(192);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 256.0f - 1.0f;
  const auto pack = [&](TensorType type, std::size_t count) {
    std::vector<std::byte> packed(byte_size(type, count));
    quantize(type, std::span(values).first(count), packed);
    return packed;
  };
  writer.add_tensor("vector", TensorType::kF32, {5});
  writer.add_tensor("matrix", TensorType::kQ8_0, {3, 64});
  writer.add_tensor("cube", TensorType::kF16, {2, 3, 4});
  writer.write("vector", pack(TensorType::kF32, 5));
  const std::vector<std::byte> matrix = pack(TensorType::kQ8_0, 192);
  writer.write("matrix", std::span(matrix).first(70));
  writer.write("matrix", std::span(matrix).subspan(70));
  writer.write("cube", pack(TensorType::kF16, 24));
  writer.finish();
}

TEST(GgufWriter, SameBytesAsGguf) {
  const Scratch scratch;
  write_every_type(scratch.path() / "made.gguf");
  EXPECT_EQ(read_bytes(scratch.path() / "made.gguf"), read_bytes(golden("every_type.gguf")));
  EXPECT_THAT(scratch.names(), ElementsAre("made.gguf"));
}

TEST(GgufWriter, CopiesMetadataAsItIs) {
  const GgufFile from(golden("every_type.gguf"));
  const Scratch scratch;
  GgufWriter writer(scratch.path() / "copy.gguf");
  for (const auto& [key, value] : from.metadata()) writer.add_encoded(key, from.encoded(key));
  writer.finish();
  const GgufFile copy(scratch.path() / "copy.gguf");
  ASSERT_EQ(copy.metadata().size(), from.metadata().size());
  EXPECT_EQ(copy.metadata(), from.metadata());
}

TEST(GgufWriter, NothingIsLeftWithoutFinish) {
  const Scratch scratch;
  scratch.write("made.gguf", "old");
  {
    GgufWriter writer(scratch.path() / "made.gguf");
    writer.add_tensor("t", TensorType::kF32, {64});
    writer.write("t", std::vector<std::byte>(128));
    EXPECT_THROW(writer.finish(), InternalError);
    EXPECT_EQ(scratch.names().size(), 2u);
  }
  EXPECT_THAT(scratch.names(), ElementsAre("made.gguf"));
  EXPECT_EQ(read_bytes(scratch.path() / "made.gguf"), "old");
}

TEST(GgufWriter, TwoAtOnceDoNotMix) {
  const Scratch scratch;
  GgufWriter one(scratch.path() / "made.gguf");
  GgufWriter two(scratch.path() / "made.gguf");
  one.add("who", std::string_view("one"));
  two.add("who", std::string_view("two"));
  two.finish();
  one.finish();
  EXPECT_EQ(GgufFile(scratch.path() / "made.gguf").get<std::string_view>("who"), "one");
  EXPECT_THAT(scratch.names(), ElementsAre("made.gguf"));
}

TEST(GgufWriter, WrongOrderIsOurMistake) {
  const Scratch scratch;
  GgufWriter writer(scratch.path() / "made.gguf");
  writer.add("key", true);
  EXPECT_THROW(writer.add("key", true), InternalError);
  EXPECT_THROW(writer.add("general.alignment", std::uint32_t{64}), InternalError);
  writer.add_tensor("t", TensorType::kF32, {2});
  writer.add_tensor("u", TensorType::kF32, {2});
  EXPECT_THROW(writer.add_tensor("t", TensorType::kF32, {2}), InternalError);
  EXPECT_THROW(writer.add_tensor("v", TensorType::kQ4_0, {33}), InternalError);
  EXPECT_THROW(writer.add_tensor("v", TensorType::kF32, {}), InternalError);
  const std::vector<std::byte> data(9);
  EXPECT_THROW(writer.write("u", std::span(data).first(8)), InternalError);
  EXPECT_THROW(writer.write("t", data), InternalError);
  writer.write("t", std::span(data).first(8));
  EXPECT_THROW(writer.add("late", true), InternalError);
}

TEST(NewFile, SaysWhyItCannotWrite) {
  const Scratch scratch;
  expect_user_error([&] { NewFile file(scratch.path() / "none" / "made"); }, "made: No such file or directory");
  std::filesystem::create_directory(scratch.path() / "folder");
  NewFile over_folder(scratch.path() / "folder");
  expect_user_error([&] { over_folder.finish(); }, "cannot write ");
}

TEST(NewFile, FullDisk) {
  const Scratch scratch;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto on_signal = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{100'000, before.rlim_max};  // writing past it fails as a full disk does, with another number
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  {
    NewFile file(scratch.path() / "made");
    const std::vector<std::byte> data(60'000);
    file.write(data);
    expect_user_error([&] { file.write(data); }, "make room or choose another folder");
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, on_signal);
  EXPECT_THAT(scratch.names(), IsEmpty());
}

}  // namespace
}  // namespace tome
