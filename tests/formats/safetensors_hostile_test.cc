// safetensors files that lie: each must be a UserError of one line, or open as something whose every byte can be read.
#include "files.h"
#include "formats/safetensors.h"
#include "memory_file.h"

namespace tome {
namespace {

std::string file_of(const std::string& header, std::size_t data, std::uint64_t stated_length) {
  std::string bytes(reinterpret_cast<const char*>(&stated_length), sizeof stated_length);
  return bytes + header + std::string(data, '\1');
}
std::string file_of(const std::string& header, std::size_t data) { return file_of(header, data, header.size()); }

void expect_refused(const std::string& bytes, std::string_view part) {
  SCOPED_TRACE(part);
  const MemoryFile bad(bytes);
  expect_user_error([&] { const SafetensorsFile file(bad.path()); }, part);
  expect_user_error([&] { const SafetensorsFile file(bad.path()); }, bad.path().string() + ": ");
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return cat('"', name, R"(":{"dtype":")", dtype, R"(","shape":)", shape, R"(,"data_offsets":)", offsets, "}");
}

std::string object(const std::vector<std::string>& entries) {
  std::string out = "{";
  for (const std::string& each : entries) out.append(out.size() > 1 ? "," : "").append(each);
  return out.append("}");
}

const std::string kGood = object(
    {entry("a", "F32", "[2,3]", "[0,24]"), entry("b", "BF16", "[4]", "[24,32]"), R"("__metadata__":{"format":"pt"})"});

TEST(SafetensorsHostile, CutShortAnywhere) {
  const std::string whole = file_of(kGood, 32);
  for (std::size_t length = 0; length < whole.size(); ++length) expect_refused(whole.substr(0, length), ": ");
  const MemoryFile enough(whole);
  EXPECT_EQ(SafetensorsFile(enough.path()).entries().size(), 2u);
  expect_refused(whole + "x", "got 185 bytes, expected 184");
}

TEST(SafetensorsHostile, BytesChangedAtRandom) {
  const std::string whole = file_of(kGood, 32);
  Dice dice(5);
  int opened = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = whole;
    for (std::size_t i = dice.below(3) + 1; i > 0; --i)
      bytes[dice.below(bytes.size())] = static_cast<char>(dice.next());
    const MemoryFile changed(bytes);
    try {
      const SafetensorsFile file(changed.path());
      for (const SafetensorsEntry& e : file.entries()) EXPECT_EQ(file.data(e).size(), e.bytes);
      ++opened;
    } catch (const UserError& error) {
      EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
    }
  }
  EXPECT_GT(opened, 100);
  EXPECT_LT(opened, 4900);
}

TEST(SafetensorsHostile, Length) {
  expect_refused(file_of(kGood, 32, 0xffffffffffffffffu), "got a header of 18446744073709551615 bytes");
  expect_refused(file_of(kGood, 32, 100'000'001), "got a header of 100000001 bytes");
  expect_refused(file_of(kGood, 32, 0), "not valid JSON");
  expect_refused(file_of(kGood, 32, 3), "not valid JSON");
}

TEST(SafetensorsHostile, Json) {
  expect_refused(file_of("[]", 0), "got no JSON object");
  expect_refused(file_of("3", 0), "got no JSON object");
  expect_refused(file_of("{\"a\xff\":1}", 0), "not valid JSON, the mistake is at byte");
  expect_refused(file_of(R"({"a":1e999})", 0), "not valid JSON, a number is out of range");
  expect_refused(file_of(R"({"a":{"b":[[1]]}})", 0), "nesting deeper than 3");
  expect_refused(file_of(std::string(1'000'000, '['), 0), "nesting deeper than 3");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += R"({"a":)";
  expect_refused(file_of(deep, 0), "nesting deeper than 3");
  expect_refused(file_of(object({entry("a", "U8", "[1]", "[0,1]"), entry("a", "U8", "[1]", "[0,1]")}), 1),
                 "a key appears twice");
  expect_refused(file_of(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1),
                 "a key appears twice");
}

TEST(SafetensorsHostile, Entries) {
  expect_refused(file_of(R"({"a":3})", 0), "tensor 'a': its header entry is not an object");
  expect_refused(file_of(R"({"a":{"shape":[1],"data_offsets":[0,1]}})", 1), "tensor 'a': got no string 'dtype'");
  expect_refused(file_of(R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", 1), "got no array 'shape'");
  expect_refused(file_of(R"({"a":{"dtype":"U8","shape":[1]}})", 1), "got no array 'data_offsets'");
  expect_refused(file_of(object({entry("a", "Q9", "[1]", "[0,1]")}), 1), "got the type 'Q9', which tome does not know");
  expect_refused(file_of(object({entry("a\\nb\\u001b", "Q9", "[1]", "[0,1]")}), 1), "tensor 'a\\x0ab\\x1b'");
  expect_refused(file_of(R"({"__metadata__":{"a":1}})", 0), "__metadata__ 'a' is not a string");
  expect_refused(file_of(R"({"__metadata__":[]})", 0), "__metadata__ is not an object");
}

TEST(SafetensorsHostile, Sizes) {
  for (const char* shape : {"[-1]", "[1.5]", "[\"1\"]", "[null]", "[18446744073709551616]"}) {
    expect_refused(file_of(object({entry("a", "U8", shape, "[0,1]")}), 1), "something else than natural numbers");
  }
  for (const char* shape : {"[2]", "[0]", "[3,1]", "[4294967296,4294967296]", "[18446744073709551615,3]",
                            "[9223372036854775808,2]", "[1,0]"}) {
    expect_refused(file_of(object({entry("a", "U8", shape, "[0,1]")}), 1), "got 1 bytes, which is not what its shape");
  }
  expect_refused(file_of(object({entry("a", "F32", "[1]", "[0,3]")}), 3), "got 3 bytes, which is not what its shape");
  expect_refused(file_of(object({entry("a", "F32", "[]", "[0,0]")}), 0), "got 0 bytes, which is not what its shape");
}

TEST(SafetensorsHostile, Offsets) {
  for (const char* offsets : {"[0]", "[0,1,2]", "[1,0]", "[0,9]", "[0,18446744073709551615]", "[]"}) {
    expect_refused(file_of(object({entry("a", "U8", "[1]", offsets)}), 8), "'a': got bad data_offsets");
  }
  expect_refused(file_of(object({entry("a", "U8", "[4]", "[0,4]"), entry("b", "U8", "[4]", "[2,6]")}), 6),
                 "'b' begins at byte");
  expect_refused(file_of(object({entry("a", "U8", "[4]", "[0,4]"), entry("b", "U8", "[4]", "[0,4]")}), 4),
                 "begins at byte");
  expect_refused(file_of(object({entry("a", "U8", "[4]", "[0,4]"), entry("b", "U8", "[4]", "[5,9]")}), 9),
                 "where the one before it ends");
  expect_refused(file_of(object({entry("a", "U8", "[4]", "[1,5]")}), 5), "begins at byte");
  expect_refused(file_of(object({entry("a", "U8", "[4]", "[0,4]")}), 5), "the file is damaged");
}

}  // namespace
}  // namespace tome
