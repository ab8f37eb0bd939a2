// The 8-bit code against bitsandbytes'.
#include "train/dynamic_code.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "train_files.h"

namespace tome {
namespace {

struct Encoded {
  std::vector<std::uint8_t> codes;
  std::vector<float> absmax;
};

Encoded encode(const DynamicCode& code, const std::vector<float>& values) {
  Encoded result{std::vector<std::uint8_t>(values.size()), {}};
  for (std::size_t i = 0; i < values.size(); i += DynamicCode::kBlock) {
    const std::size_t count = std::min(DynamicCode::kBlock, values.size() - i);
    result.absmax.push_back(code.encode(std::span(values).subspan(i, count), result.codes.data() + i));
  }
  return result;
}

TEST(DynamicCode, TheMapIsBitsandbytes) {
  EXPECT_THAT(DynamicCode::with_sign().values(), testing::ElementsAreArray(golden<float>("signed")));
  EXPECT_THAT(DynamicCode::without_sign().values(), testing::ElementsAreArray(golden<float>("unsigned")));
}

TEST(DynamicCode, CodesOfFirstMomentsAreBitsandbytes) {
  const Encoded got = encode(DynamicCode::with_sign(), golden<float>("gauss"));
  EXPECT_EQ(got.codes, golden<std::uint8_t>("gauss/codes"));
  EXPECT_EQ(got.absmax, golden<float>("gauss/absmax"));
}

TEST(DynamicCode, CodesOfSecondMomentsAreBitsandbytesButNeverZero) {
  const auto values = golden<float>("wide");
  const Encoded got = encode(DynamicCode::without_sign(), values);
  auto expected = golden<std::uint8_t>("wide/codes");
  const auto vanished = std::count(expected.begin(), expected.end(), 0);
  EXPECT_GT(vanished, 1000);
  EXPECT_LT(vanished, 7000);
  std::replace(expected.begin(), expected.end(), std::uint8_t{0}, std::uint8_t{1});
  EXPECT_EQ(got.codes, expected);
  EXPECT_EQ(got.absmax, golden<float>("wide/absmax"));
}

// Every code, every border between two codes and its neighbours, tried against all 256 distances.
TEST(DynamicCode, NearestOfAll) {
  for (const DynamicCode* code : {&DynamicCode::with_sign(), &DynamicCode::without_sign()}) {
    const bool has_sign = code->values()[0] < 0;
    std::vector<float> tried{1.0F};
    for (std::size_t i = 0; i + 1 < 256; ++i) {
      float x = (code->values()[i] + code->values()[i + 1]) / 2;
      for (int back = 0; back < 3; ++back) x = std::nextafter(x, -2.0F);
      for (int ahead = 0; ahead < 7; ++ahead, x = std::nextafter(x, 2.0F)) tried.push_back(x);
      tried.push_back(code->values()[i]);
    }
    for (const float x : tried) {
      if (x < 0 && !has_sign) continue;
      const std::vector<float> pair{1.0F, x};  // 1 is the largest, so that x is not scaled
      std::uint8_t codes[2];
      EXPECT_EQ(code->encode(pair, codes), 1.0F);
      const auto distance = [&](float value) { return std::abs(double{value} - double{x}); };
      std::size_t nearest = 0;
      for (std::size_t i = 1; i < 256; ++i) {
        if (distance(code->values()[i]) < distance(code->values()[nearest])) nearest = i;
      }
      if (!has_sign && nearest == 0 && x > 0) nearest = 1;
      EXPECT_EQ(codes[1], nearest) << x;
    }
  }
}

TEST(DynamicCode, ZerosTinyAndHugeNumbers) {
  for (const DynamicCode* code : {&DynamicCode::with_sign(), &DynamicCode::without_sign()}) {
    const std::vector<float> zeros(DynamicCode::kBlock);
    std::vector<std::uint8_t> codes(DynamicCode::kBlock);
    std::vector<float> back(DynamicCode::kBlock, 7.0F);
    EXPECT_EQ(code->encode(zeros, codes.data()), 0.0F);
    code->decode(codes, 0.0F, back.data());
    EXPECT_EQ(back, zeros);
    for (const float largest : {std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::max()}) {
      const std::vector<float> values{largest, 0.0F};
      EXPECT_EQ(code->encode(values, codes.data()), largest);
      code->decode(std::span(codes).first(2), largest, back.data());
      EXPECT_EQ(back[0], largest);
      EXPECT_EQ(back[1], 0.0F);
    }
  }
}

}  // namespace
}  // namespace tome
