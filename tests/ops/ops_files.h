// For the tests of ops: numbers, the levels that this machine has, and memory whose end is watched.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "base/bf16.h"
#include "formats/files.h"
#include "ops/kernels/kernels.h"

namespace tome::ops {

/// The largest relative error of rounding to T.
template <typename T>
constexpr double kRounding = sizeof(T) == 2 ? 0x1p-8 : 0x1p-24;

template <typename T>
std::vector<T> random_numbers(Dice& dice, std::size_t count, float size = 1) {
  std::vector<T> out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) out.push_back(T(size * dice.normal()));
  return out;
}

template <typename T>
double as_double(T x) {
  return static_cast<double>(static_cast<float>(x));
}

/// The tables of all levels that this CPU has.
inline std::vector<const Kernels*> all_levels() {
  std::vector<const Kernels*> tables;
  for (const CpuLevel level : {CpuLevel::kAvx2, CpuLevel::kAvx512, CpuLevel::kBf16, CpuLevel::kAmx}) {
    if (const Kernels* table = kernels(level)) tables.push_back(table);
  }
  return tables;
}

/// Skips when this CPU lacks the level that TOME_ISA asks for.
class OpsTest : public testing::Test {
 protected:
  void SetUp() override {
    try {
      kernels();
    } catch (const UserError& error) {
      GTEST_SKIP() << error.what();
    }
  }
};

}  // namespace tome::ops
