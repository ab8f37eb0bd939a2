// The plan against numbers worked out by hand; against measured peaks in tests/cli (TOME_TEST_ALL).
#include "model/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "ops/kernels/kernels.h"

namespace tome {
namespace {

constexpr double kMiB = 1 << 20;

PlanOptions options_of(std::int64_t tokens) {
  PlanOptions options;
  options.tokens = tokens;
  options.threads = 2;
  options.precision = Precision::kExact;
  return options;
}

double part(const std::vector<PlanPart>& parts, std::string_view name) {
  for (const PlanPart& p : parts) {
    if (p.name == name) return p.amount;
  }
  ADD_FAILURE() << "no part " << name;
  return 0;
}

std::string refusal(const PlanModel& model, const PlanOptions& options, std::uint64_t memory) {
  try {
    fit_memory(model, options, memory);
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

TEST(Plan, SmolLM2ByHand) {
  const Plan plan = make_plan(known_shape("smollm2"), options_of(100'000));
  EXPECT_EQ(part(plan.reading, "residual stream"), 100'000.0 * 576 * 2);
  EXPECT_EQ(part(plan.reading, "K and V of a layer"), 391.0 * 256 * 2 * 3 * 64 * 2);
  EXPECT_EQ(part(plan.reading, "q, k, v of a chunk"), 2048.0 * (9 + 6) * 64 * 2);
  const double weights = 2 * 576 * 576 + 2 * 192 * 576 + 3 * 576 * 1536;
  EXPECT_EQ(part(plan.reading, "packed weights of a layer"), 2 * weights);  // bf16; all sizes fill panels
  // The last layer gives K and V only.
  EXPECT_DOUBLE_EQ(part(plan.flops, "linear layers"), 2 * 1e5 * (29 * weights + 2 * 192 * 576));
  EXPECT_DOUBLE_EQ(part(plan.flops, "attention"), 29 * 4.0 * 576 * 1e5 * (1e5 + 1) / 2);
  EXPECT_NEAR(static_cast<double>(plan.disk), 30 * 391.0 * 196608, 2e6);
}

TEST(Plan, TheBarsOfPrivateMemory) {
  PlanOptions options = options_of(32 * 1024);
  EXPECT_LE(static_cast<double>(make_plan(known_shape("smollm2"), options).peak_private()), 350 * kMiB);
  options.tokens = 100'000;
  EXPECT_LE(static_cast<double>(make_plan(known_shape("smollm2"), options).peak_private()), 600 * kMiB);
  EXPECT_LE(static_cast<double>(make_plan(known_shape("llama-3.1-8b"), options).peak_private()), 4096 * kMiB);
}

TEST(Plan, SlidingLayersCostLinearTime) {
  const PlanModel gemma = known_shape("gemma");
  const double at_32k = part(make_plan(gemma, options_of(32768)).flops, "attention");
  const double all_global = 17 * 4.0 * 1024 * 32768.0 * 32769 / 2;
  // Layers 6 and 12 see everything (18 is the last), 15 see 512 keys.
  const double expected = 2.0 / 17 * all_global + 15 * 4.0 * 1024 * (512.0 * 513 / 2 + (32768.0 - 512) * 512);
  EXPECT_DOUBLE_EQ(at_32k, expected);
  EXPECT_LT(static_cast<double>(make_plan(gemma, options_of(32768)).disk), 0.4 * 18 * 32768 * 1024);
}

TEST(Plan, QuantisedKeysTakeLess) {
  PlanOptions options = options_of(32768);
  const PlanModel model = known_shape("llama-3.1-8b");
  const auto native = static_cast<double>(make_plan(model, options).disk);
  options.kv = ops::KvType::kQ8;
  EXPECT_NEAR(static_cast<double>(make_plan(model, options).disk) / native, 8.5 / 16, 1e-2);
  options.kv = ops::KvType::kQ4;
  EXPECT_NEAR(static_cast<double>(make_plan(model, options).disk) / native, 5.0 / 16, 1e-2);
}

TEST(Plan, MemoryChoosesTheLargestChunkThatFits) {
  const PlanModel model = known_shape("llama-2-7b");
  const PlanOptions options = options_of(32768);
  PlanOptions bounded = options;
  bounded.bounded = true;
  const std::uint64_t whole = make_plan(model, bounded).peak_rss();
  EXPECT_EQ(fit_memory(model, options, whole).chunk_rows, kDefaultChunkRows);
  const PlanOptions fitted = fit_memory(model, options, whole - 1);
  EXPECT_LT(fitted.chunk_rows, kDefaultChunkRows);
  EXPECT_TRUE(fitted.bounded);
  EXPECT_LE(make_plan(model, fitted).peak_rss(), whole - 1);
}

TEST(Plan, WhatCannotFitIsRefusedWithWhatWould) {
  const PlanModel model = known_shape("smollm2");
  const PlanOptions options = options_of(100'000);
  const std::string message = refusal(model, options, std::uint64_t{150} << 20);
  EXPECT_THAT(message, testing::HasSubstr("--memory 150MiB"));
  EXPECT_THAT(message, testing::ContainsRegex("what would fit: --memory [0-9]+MiB, or a text of [0-9]+ tokens"));
  const auto needed = std::stoull(message.substr(message.find("fit: --memory ") + 14));
  EXPECT_EQ(refusal(model, options, needed << 20), "");
  EXPECT_NE(refusal(model, options, (needed - 1) << 20), "");
  const auto fewer = std::stoll(message.substr(message.find("a text of ") + 10));
  EXPECT_EQ(refusal(model, options_of(fewer), std::uint64_t{150} << 20), "");
}

TEST(Plan, MoreThanTheMachineHasIsRefused) {
  const Plan plan = make_plan(known_shape("llama-2-7b"), options_of(100'000));
  EXPECT_NO_THROW(refuse_too_large(plan, plan.peak_private()));
  EXPECT_THROW(refuse_too_large(plan, plan.peak_private() - 1), UserError);
}

TEST(Plan, AnAnswerFromDiskIsSlow) {
  const Plan plan = make_plan(known_shape("llama-2-7b"), options_of(100'000));
  MachineRates rates;
  rates.bf16 = 4e11;
  rates.dram = 2e10;
  const double in_memory = answer_token_seconds(plan, rates, std::uint64_t{1} << 40);
  const double from_disk = answer_token_seconds(plan, rates, std::uint64_t{16} << 30);
  EXPECT_DOUBLE_EQ(from_disk, static_cast<double>(plan.answer_bytes) / rates.disk);
  EXPECT_GT(from_disk, 10 * in_memory);
}

TEST(Plan, ReadingTakesTheLevelsShareOfThePeak) {
  const Plan plan = make_plan(known_shape("smollm2"), options_of(32768));
  MachineRates rates;
  rates.bf16 = 4e11;
  rates.int8 = 8e11;
  const ops::PeakShares& shares = ops::kernels().shares;
  const double attention = part(plan.flops, "attention") / (shares.attention * rates.bf16);
  const double linear = part(plan.flops, "linear layers");
  EXPECT_DOUBLE_EQ(reading_seconds(plan, rates, Precision::kExact), linear / (shares.linear * rates.bf16) + attention);
  EXPECT_DOUBLE_EQ(reading_seconds(plan, rates, Precision::kInt8), linear / (0.5 * rates.int8) + attention);
  rates.int8 = 0;  // a level without int8 linear layers
  EXPECT_DOUBLE_EQ(reading_seconds(plan, rates, Precision::kInt8), reading_seconds(plan, rates, Precision::kExact));
  for (const auto cpu : {ops::CpuLevel::kAvx2, ops::CpuLevel::kAvx512, ops::CpuLevel::kBf16, ops::CpuLevel::kAmx}) {
    const ops::Kernels* level = ops::kernels(cpu);
    if (level == nullptr) continue;
    const ops::PeakShares& of = level->shares;
    for (const double share : {of.linear, of.attention, of.models, of.training}) {
      EXPECT_GT(share, 0.0) << level->name;
      EXPECT_LE(share, 1.0) << level->name;
    }
  }
}

TEST(Plan, UnknownShapesAreNamed) {
  EXPECT_FALSE(is_known_shape("gpt-9"));
  EXPECT_THROW(known_shape("gpt-9"), UserError);
}

}  // namespace
}  // namespace tome
