// The small things that everything stands on: bf16, errors, aligned memory, mapped files, what the process uses.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/aligned.h"
#include "base/bf16.h"
#include "base/error.h"
#include "base/mapped_file.h"
#include "base/resources.h"
#include "formats/files.h"

namespace tome {
namespace {

TEST(Bf16, EveryValueSurvivesAndBetweenThemTheNearestEvenWins) {
  for (std::uint32_t bits = 0; bits < 0x7f80u; ++bits) {
    const float exact = std::bit_cast<float>(bits << 16);
    ASSERT_EQ(bf16(exact).bits, bits);
    ASSERT_EQ(bf16(-exact).bits, bits | 0x8000u);
    ASSERT_EQ(bf16(std::bit_cast<float>((bits << 16) | 0x7fffu)).bits, bits);
    ASSERT_EQ(bf16(std::bit_cast<float>((bits << 16) | 0x8001u)).bits, bits + 1);
    ASSERT_EQ(bf16(std::bit_cast<float>((bits << 16) | 0x8000u)).bits, bits + (bits & 1u));
  }
}

TEST(Bf16, InfinityAndNan) {
  EXPECT_EQ(bf16(std::numeric_limits<float>::infinity()).bits, 0x7f80);
  EXPECT_TRUE(std::isnan(static_cast<float>(bf16(std::bit_cast<float>(0x7f800001u)))));
  EXPECT_TRUE(std::isnan(static_cast<float>(bf16(std::bit_cast<float>(0xffffffffu)))));
}

TEST(Errors, SayWhatAndWhere) {
  EXPECT_EQ(cat("layer ", 3, " of ", 30u), "layer 3 of 30");
  EXPECT_THROW(throw_user_error("got ", 1), UserError);
  try {
    TOME_CHECK(1 + 1 == 3, "sum ", 2);
    ADD_FAILURE();
  } catch (const InternalError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("1 + 1 == 3"));
    EXPECT_THAT(error.what(), testing::HasSubstr("sum 2"));
    EXPECT_THAT(error.what(), testing::HasSubstr("base_test.cc"));
  }
}

TEST(AlignedBuffer, IsAlignedAndKeepsLargeEnoughMemory) {
  AlignedBuffer<float> buffer(33);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0u);
  EXPECT_EQ(buffer.bytes(), 33 * sizeof(float));
  const float* before = buffer.data();
  buffer.reserve(20);
  EXPECT_EQ(buffer.data(), before);
  buffer.reserve(4096);
  EXPECT_EQ(buffer.size(), 4096u);
}

TEST(MappedFile, ReadsReleasesAndMoves) {
  const Scratch scratch;
  std::string text(3 * 4096 + 17, 'x');
  text[5000] = 'y';
  MappedFile file(scratch.write("file", text));
  const MappedFile moved = std::move(file);
  EXPECT_EQ(moved.bytes().size(), text.size());
  moved.will_need(moved.bytes());
  moved.release(moved.bytes());
  moved.release(moved.bytes().subspan(4000, 10));
  moved.release(moved.bytes().subspan(text.size(), 0));
  EXPECT_EQ(std::memcmp(moved.bytes().data(), text.data(), text.size()), 0);
  EXPECT_TRUE(MappedFile(scratch.write("empty", "")).bytes().empty());
}

TEST(MappedFile, SaysWhatItCannotOpen) {
  const Scratch scratch;
  expect_user_error([&] { MappedFile(scratch.path() / "absent"); }, "absent");
  expect_user_error([&] { MappedFile{scratch.path()}; }, scratch.path().string());
}

TEST(Resources, PrivateMemoryIsCountedAndItsPeakStays) {
  constexpr std::size_t kBytes = 64u << 20;
  const MemoryUse before = memory_use();
  EXPECT_GT(before.rss, 0u);
  {
    std::vector<char> block(kBytes, 1);
    EXPECT_GE(memory_use().anonymous, before.anonymous + kBytes / 2 + static_cast<std::size_t>(block[7] - 1));
    sample_private_peak();
  }
  EXPECT_GE(peak_private(), before.anonymous + kBytes / 2);
  EXPECT_GE(peak_rss(), memory_use().anonymous);
}

TEST(Resources, TheProcessIsOlderThanThisTest) {
  const double seconds = process_seconds();
  EXPECT_GT(seconds, 0);
  EXPECT_LT(seconds, 3600 * 24);
  EXPECT_GE(process_seconds(), seconds);
}

}  // namespace
}  // namespace tome
