// Unpacking against the package gguf, bit for bit (golden/make_formats.py), and halves against their definition.
#include <cmath>

#include "files.h"
#include "formats/f16.h"
#include "formats/tensor_type.h"

namespace tome {
namespace {

constexpr TensorType kTypes[] = {TensorType::kF32,  TensorType::kF16,  TensorType::kBF16,
                                 TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ5_0,
                                 TensorType::kQ8_0, TensorType::kQ4_K, TensorType::kQ6_K};

std::string name_of(const testing::TestParamInfo<TensorType>& param) { return std::string(info(param.param).name); }

class Dequantize : public testing::TestWithParam<TensorType> {};

TEST_P(Dequantize, GivesTheNumbersOfGguf) {
  const SafetensorsFile file(golden("packing.safetensors"));
  const std::string name(info(GetParam()).name);
  const auto blocks = numbers<std::byte>(file, name + "/blocks");
  const auto expected = numbers<float>(file, name + "/values");
  std::vector<float> got(expected.size());
  dequantize(GetParam(), blocks, got);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const bool same = std::isnan(expected[i])
                          ? std::isnan(got[i])
                          : std::bit_cast<std::uint32_t>(got[i]) == std::bit_cast<std::uint32_t>(expected[i]);
    if (!same && ++wrong == 1) ADD_FAILURE() << "number " << i << ": got " << got[i] << ", expected " << expected[i];
  }
  EXPECT_EQ(wrong, 0u);
}

TEST_P(Dequantize, TakesBlocksAtAnyAddress) {
  const std::size_t values = 2 * info(GetParam()).block_values;
  std::vector<std::byte> bytes(byte_size(GetParam(), values) + 1, std::byte{0x2a});
  std::vector<float> even(values);
  std::vector<float> odd(values);
  const std::span<const std::byte> all = bytes;
  dequantize(GetParam(), all.first(all.size() - 1), even);
  dequantize(GetParam(), all.subspan(1), odd);
  EXPECT_EQ(even, odd);
}

TEST_P(Dequantize, ChecksTheSizes) {
  const std::size_t values = info(GetParam()).block_values;
  const std::vector<std::byte> bytes(byte_size(GetParam(), values));
  std::vector<float> out(2 * values);
  EXPECT_THROW(dequantize(GetParam(), bytes, out), InternalError);
  EXPECT_NO_THROW(dequantize(GetParam(), {}, {}));
  if (values > 1) {
    EXPECT_THROW(byte_size(GetParam(), values + 1), InternalError);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Dequantize, testing::ValuesIn(kTypes), name_of);

TEST(TensorTypes, NumbersOfGguf) {
  for (const TensorType type : kTypes) EXPECT_EQ(known_tensor_type(static_cast<std::uint32_t>(type)), type);
  EXPECT_EQ(known_tensor_type(13), std::nullopt);  // Q5_K
  EXPECT_EQ(known_tensor_type(0xffffffff), std::nullopt);
}

// sign * 1.mantissa * 2^(exponent - 15), or 0.mantissa * 2^-14.
double definition_of_half(unsigned bits) {
  const unsigned exponent = bits >> 10 & 31u;
  const double mantissa = (bits & 1023u) / 1024.0;
  const double sign = bits & 0x8000u ? -1.0 : 1.0;
  if (exponent == 31) return mantissa == 0 ? sign * HUGE_VAL : std::nan("");
  if (exponent == 0) return sign * std::ldexp(mantissa, -14);
  return sign * std::ldexp(1.0 + mantissa, static_cast<int>(exponent) - 15);
}

TEST(Half, EveryPatternThereAndBack) {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = f16_to_f32(half);
    const double expected = definition_of_half(bits);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(value)) << bits;
      EXPECT_EQ(f32_to_f16(value) & 0x7e00, 0x7e00) << bits;
    } else {
      EXPECT_EQ(value, expected) << bits;
      EXPECT_EQ(f32_to_f16(value), half) << bits;
    }
  }
}

TEST(Half, RoundsToNearestEven) {
  for (unsigned bits = 0; bits < 0x7bff; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float here = f16_to_f32(half);
    const float next = f16_to_f32(static_cast<std::uint16_t>(bits + 1));
    const float middle = here + (next - here) / 2;  // exact: f32 has 13 more bits
    EXPECT_EQ(f32_to_f16(middle), bits % 2 == 0 ? bits : bits + 1);
    EXPECT_EQ(f32_to_f16(std::nextafter(middle, 0.0f)), bits);
    EXPECT_EQ(f32_to_f16(std::nextafter(middle, 1e9f)), bits + 1);
    EXPECT_EQ(f32_to_f16(-middle), 0x8000u | (bits % 2 == 0 ? bits : bits + 1));
  }
  EXPECT_EQ(f32_to_f16(65519.99f), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7c00);
  EXPECT_EQ(f32_to_f16(-1e30f), 0xfc00);
}

}  // namespace
}  // namespace tome
