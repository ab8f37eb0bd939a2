#include "ops/gemv.h"

#include <cstring>

#include "ops_files.h"

namespace tome::ops {
namespace {

constexpr TensorType kTypes[] = {TensorType::kF32,  TensorType::kF16,  TensorType::kBF16,
                                 TensorType::kQ4_0, TensorType::kQ4_1, TensorType::kQ5_0,
                                 TensorType::kQ8_0, TensorType::kQ4_K, TensorType::kQ6_K};
constexpr std::size_t kRowCount = 5;

class Gemv : public OpsTest {
 protected:
  void check(TensorType type, std::size_t width, bool exact) {
    SCOPED_TRACE(cat(info(type).name, ", width ", width, exact ? ", exact" : ", int8"));
    Dice dice(width + static_cast<std::size_t>(type));
    const std::vector<float> x = random_numbers<float>(dice, width, 2);
    const std::vector<float> source = random_numbers<float>(dice, kRowCount * width, 0.2f);
    std::vector<std::byte> bytes(byte_size(type, source.size()));
    quantize(type, source, bytes);
    std::vector<float> weights(source.size());
    dequantize(type, bytes, weights);
    GemvInput input;
    input.set(x, exact);
    for (const std::size_t first : {0u, 2u}) {
      std::vector<float> y(kRowCount - first + 1, 77.0f);
      gemv({"w", type, {kRowCount, width}, bytes}, first, input, std::span(y).first(kRowCount - first));
      EXPECT_EQ(y.back(), 77.0f);
      for (std::size_t r = first; r < kRowCount; ++r)
        check_row(x, std::span(weights).subspan(r * width, width), input, y[r - first]);
    }
  }

 private:
  static void check_row(std::span<const float> x, std::span<const float> w, const GemvInput& input, float got) {
    double expected = 0, size = 0, variance = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double term = static_cast<double>(x[i]) * static_cast<double>(w[i]);
      expected += term;
      size += std::fabs(term);
      if (input.quantized()) {
        const double step = static_cast<double>(input.scales[i / kGemvGroup]) * static_cast<double>(w[i]);
        variance += step * step / 12;
      }
    }
    // f32 sums; int8 rounds x to a grid of step s (variance s^2 / 12 each): six deviations. Formats with a constant
    // part
    // (-8 d, + m) cancel sums a few times as large as their result: the factor 16.
    ASSERT_NEAR(static_cast<double>(got), expected,
                6 * std::sqrt(variance) + 16 * std::sqrt(static_cast<double>(x.size())) * 0x1p-24 * size);
  }
};

TEST_F(Gemv, EveryTypeExactAndInt8) {
  for (const TensorType type : kTypes) {
    for (const std::size_t width : {28u, 32u, 33u, 64u, 96u, 256u, 320u, 512u, 576u, 768u, 1792u}) {
      if (width % info(type).block_values != 0) continue;
      check(type, width, true);
      check(type, width, false);
    }
  }
}

TEST_F(Gemv, WeightsThatLieAtAnyByte) {
  constexpr std::size_t kWidth = 100;
  Dice dice(3);
  const std::vector<float> x = random_numbers<float>(dice, kWidth, 2);
  const std::vector<float> source = random_numbers<float>(dice, kRowCount * kWidth, 0.2f);
  GemvInput input;
  input.set(x, true);
  for (const TensorType type : {TensorType::kF32, TensorType::kBF16}) {
    const std::size_t bytes = byte_size(type, source.size());
    std::vector<std::byte> memory(bytes + 1);
    std::vector<float> in_place(kRowCount), shifted(kRowCount);
    quantize(type, source, std::span(memory).first(bytes));
    gemv({"w", type, {kRowCount, kWidth}, std::span(memory).first(bytes)}, 0, input, in_place);
    std::memmove(memory.data() + 1, memory.data(), bytes);
    gemv({"w", type, {kRowCount, kWidth}, std::span(memory).subspan(1)}, 0, input, shifted);
    for (std::size_t r = 0; r < kRowCount; ++r) EXPECT_NEAR(shifted[r], in_place[r], 1e-5) << info(type).name;
  }
}

TEST_F(Gemv, InputIsQuantizedWhereItPays) {
  GemvInput input;
  const std::vector<float> zeros(128, 0.0f);
  input.set(zeros, false);
  EXPECT_EQ(input.quantized(), kernels().int8);
  for (const std::int8_t q : input.in_order) EXPECT_EQ(q, 0);
  input.set(std::span(zeros).first(96), false);
  EXPECT_FALSE(input.quantized());  // no multiple of 64
  input.set(zeros, true);
  EXPECT_FALSE(input.quantized());
  EXPECT_EQ(input.values().size(), 128u);
}

}  // namespace
}  // namespace tome::ops
