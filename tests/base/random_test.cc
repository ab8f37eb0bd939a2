// Philox against the known answers of its authors' Random123 (kat_vectors), and what a stream promises.
#include "base/random.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tome {
namespace {

TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, ANumberIsFoundByItsPlace) {
  const RandomStream stream(7, 3);
  const PhiloxBlock block = stream.block(5);
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(stream.bits(20 + i), block[i]);
  EXPECT_NE(stream.bits(0), RandomStream(8, 3).bits(0));
  EXPECT_NE(stream.bits(0), RandomStream(7, 4).bits(0));
  EXPECT_NE(RandomStream(0, 0).bits(0), RandomStream(0, std::uint64_t{1} << 32).bits(0));
  EXPECT_NE(RandomStream(0, 0).bits(0), RandomStream(std::uint64_t{1} << 32, 0).bits(0));
}

TEST(RandomStream, UniformFillsTheUnitInterval) {
  const RandomStream stream(1, 0);
  constexpr int kCount = 40000;
  double sum = 0, squares = 0;
  for (int i = 0; i < kCount; ++i) {
    const auto x = static_cast<double>(stream.uniform(static_cast<std::uint64_t>(i)));
    ASSERT_TRUE(x >= 0 && x < 1);
    sum += x;
    squares += x * x;
  }
  const double mean = sum / kCount;  // its deviation: 0.289 / sqrt(kCount) = 0.0014
  EXPECT_NEAR(mean, 0.5, 0.006);
  EXPECT_NEAR(std::sqrt(squares / kCount - mean * mean), std::sqrt(1.0 / 12), 0.004);
}

}  // namespace
}  // namespace tome
