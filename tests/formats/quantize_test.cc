// Packing: byte for byte the package gguf's where it can pack, and round trips within each type's error.
#include <algorithm>
#include <cmath>
#include <limits>

#include "files.h"
#include "formats/tensor_type.h"

namespace tome {
namespace {

std::vector<float> round_trip(TensorType type, const std::vector<float>& values) {
  std::vector<std::byte> packed(byte_size(type, values.size()));
  quantize(type, values, packed);
  std::vector<float> out(values.size());
  dequantize(type, packed, out);
  return out;
}

double relative_error(const std::vector<float>& got, const std::vector<float>& expected) {
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    error += std::pow(double{got[i]} - expected[i], 2);
    norm += std::pow(double{expected[i]}, 2);
  }
  return std::sqrt(error / norm);
}

std::vector<float> normal_numbers(std::size_t count, float deviation) {
  Dice dice(7);
  std::vector<float> out(count);
  for (float& value : out) value = dice.normal() * deviation;
  return out;
}

struct Case {
  TensorType type;
  // A uniform quantiser of step s has error s / sqrt(12). Steps for normal numbers, whose largest of 32 is 2.1
  // deviations away in the mean: 4.2 / 16, 4.2 / 15, 4.2 / 32, 2.1 / 127 with the spread of extremes on top; halves and
  // bf16 round to 2^-12 and 2^-9 at most. Q4_K gains by its search, Q6_K has groups of 16 (1.8 deviations over 32
  // steps).
  double bound;
};

std::string case_name(const testing::TestParamInfo<Case>& param) { return std::string(info(param.param.type).name); }
std::string type_name(const testing::TestParamInfo<TensorType>& param) { return std::string(info(param.param).name); }

class Quantize : public testing::TestWithParam<Case> {};

TEST_P(Quantize, RoundTripStaysWithinTheError) {
  for (const float deviation : {1.0f, 1e-3f, 100.0f}) {
    const std::vector<float> values = normal_numbers(16384, deviation);
    const double error = relative_error(round_trip(GetParam().type, values), values);
    EXPECT_LE(error, GetParam().bound) << deviation;
  }
}

TEST_P(Quantize, ZerosStayZeros) {
  const std::vector<float> zeros(512, 0.0f);
  EXPECT_EQ(round_trip(GetParam().type, zeros), zeros);
}

TEST_P(Quantize, OneNumberAmongZeros) {
  for (const float value : {1.0f, -1.0f}) {
    std::vector<float> values(512, 0.0f);
    values[300] = value;
    const std::vector<float> got = round_trip(GetParam().type, values);
    EXPECT_NEAR(got[300], value, 0.01);
    // A 16-bit scale and min need not meet at 0: their roundings, 2^-11 of 1 each, remain.
    EXPECT_EQ(std::ranges::count_if(got, [](float x) { return std::abs(x) <= 0x1p-10f; }), 511);
  }
}

TEST_P(Quantize, TinyNumbersVanishQuietly) {
  const std::vector<float> values = normal_numbers(512, 1e-41f);
  for (const float value : round_trip(GetParam().type, values)) EXPECT_LE(std::abs(value), 1e-39f);
}

TEST_P(Quantize, RefusesWhatBlocksCannotHold) {
  if (info(GetParam().type).block_values == 1) return;
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(), -3e38f}) {
    std::vector<float> values(512, 1.0f);
    values[77] = bad;
    expect_user_error([&] { round_trip(GetParam().type, values); }, "cannot quantize");
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Quantize,
                         testing::Values(Case{TensorType::kF32, 0}, Case{TensorType::kF16, 0x1p-12},
                                         Case{TensorType::kBF16, 0x1p-9}, Case{TensorType::kQ4_0, 0.090},
                                         Case{TensorType::kQ4_1, 0.082}, Case{TensorType::kQ5_0, 0.045},
                                         Case{TensorType::kQ8_0, 0.0058}, Case{TensorType::kQ4_K, 0.075},
                                         Case{TensorType::kQ6_K, 0.0185}),
                         case_name);

class PackedByGguf : public testing::TestWithParam<TensorType> {};

TEST_P(PackedByGguf, ByteForByte) {
  const SafetensorsFile file(golden("packing.safetensors"));
  const auto values = numbers<float>(file, "numbers");
  std::vector<std::byte> packed(byte_size(GetParam(), values.size()));
  quantize(GetParam(), values, packed);
  EXPECT_EQ(packed, numbers<std::byte>(file, std::string(info(GetParam()).name) + "/packed"));
}

INSTANTIATE_TEST_SUITE_P(Types, PackedByGguf,
                         testing::Values(TensorType::kF16, TensorType::kBF16, TensorType::kQ4_0, TensorType::kQ4_1,
                                         TensorType::kQ5_0, TensorType::kQ8_0),
                         type_name);

// What the search is for: numbers of one sign and a far-off mean, where a line from zero wastes steps.
TEST(QuantizeQ4_K, SearchBeatsThePlainLine) {
  const std::vector<float> values = normal_numbers(65536, 1.0f);
  EXPECT_LT(relative_error(round_trip(TensorType::kQ4_K, values), values),
            0.95 * relative_error(round_trip(TensorType::kQ4_1, values), values));
}

}  // namespace
}  // namespace tome
