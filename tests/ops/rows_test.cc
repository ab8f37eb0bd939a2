// Row-wise operations of every level that this machine has, against double, with tails that fill no vector.
#include <functional>

#include "ops_files.h"

namespace tome::ops {
namespace {

constexpr std::size_t kLengths[] = {1, 2, 7, 8, 9, 15, 16, 17, 28, 31, 33, 64, 80, 321};
constexpr std::size_t kGuard = 20;

template <typename T>
class Rows : public testing::Test {
 protected:
  // Runs `action` for every level and length.
  void each(const std::function<void(const RowKernels<T>&, std::size_t, Dice&)>& action) {
    for (const Kernels* table : all_levels()) {
      for (const std::size_t n : kLengths) {
        SCOPED_TRACE(std::string(table->name) + ", length " + std::to_string(n));
        Dice dice(n);
        action(table->template rows<T>(), n, dice);
      }
    }
  }
  // `count` random numbers, then a guard that must stay.
  static std::vector<T> guarded(Dice& dice, std::size_t count, float size = 1) {
    std::vector<T> out = random_numbers<T>(dice, count, size);
    out.resize(count + kGuard, T(77.0f));
    return out;
  }
  static void check_guard(const std::vector<T>& x) {
    for (std::size_t i = x.size() - kGuard; i < x.size(); ++i) ASSERT_EQ(as_double(x[i]), 77.0);
  }
  /// Rounding to T, and a few f32 roundings before.
  static double bound(double expected, double size) { return kRounding<T> * std::fabs(expected) + 2e-6 * size; }
};

using Types = testing::Types<bf16, float>;
TYPED_TEST_SUITE(Rows, Types);

TYPED_TEST(Rows, RmsNorm) {
  this->each([&](const RowKernels<TypeParam>& kernels, std::size_t n, Dice& dice) {
    constexpr std::size_t kRowCount = 3;
    const std::vector<TypeParam> x = random_numbers<TypeParam>(dice, kRowCount * n, 3);
    const std::vector<float> weight = random_numbers<float>(dice, n);
    std::vector<TypeParam> out = this->guarded(dice, kRowCount * n);
    kernels.rms_norm(x.data(), weight.data(), 1e-3f, kRowCount, n, out.data());
    this->check_guard(out);
    for (std::size_t r = 0; r < kRowCount; ++r) {
      double squares = 0;
      for (std::size_t i = 0; i < n; ++i) squares += as_double(x[r * n + i]) * as_double(x[r * n + i]);
      const double inverse = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-3);
      for (std::size_t i = 0; i < n; ++i) {
        const double expected = as_double(x[r * n + i]) * inverse * static_cast<double>(weight[i]);
        ASSERT_NEAR(as_double(out[r * n + i]), expected, this->bound(expected, std::fabs(expected)));
      }
    }
    std::vector<TypeParam> in_place = x;
    kernels.rms_norm(in_place.data(), weight.data(), 1e-3f, kRowCount, n, in_place.data());
    EXPECT_EQ(std::memcmp(in_place.data(), out.data(), in_place.size() * sizeof(TypeParam)), 0);
  });
}

TYPED_TEST(Rows, AddSiluGelu) {
  this->each([&](const RowKernels<TypeParam>& kernels, std::size_t n, Dice& dice) {
    const std::vector<TypeParam> x = this->guarded(dice, n, 4);
    const std::vector<TypeParam> y = this->guarded(dice, n, 4);
    const auto check = [&](void (*kernel)(TypeParam*, const TypeParam*, std::size_t),
                           const std::function<double(double, double)>& expected) {
      std::vector<TypeParam> out = x;
      kernel(out.data(), y.data(), n);
      this->check_guard(out);
      for (std::size_t i = 0; i < n; ++i) {
        const double e = expected(as_double(x[i]), as_double(y[i]));
        ASSERT_NEAR(as_double(out[i]), e, this->bound(e, std::fabs(e) + 0.1));
      }
    };
    check(kernels.add, [](double a, double b) { return a + b; });
    check(kernels.silu_product, [](double g, double u) { return g / (1 + std::exp(-g)) * u; });
    check(kernels.gelu_product, [](double g, double u) {
      return 0.5 * g * (1 + std::tanh(std::sqrt(2 / M_PI) * (g + 0.044715 * g * g * g))) * u;
    });
  });
}

TYPED_TEST(Rows, ActivationsFarFromZero) {
  for (const Kernels* table : all_levels()) {
    const auto& kernels = table->template rows<TypeParam>();
    for (const float g : {-1e4f, -100.0f, -30.0f, 30.0f, 100.0f, 1e4f}) {
      TypeParam silu{g};
      TypeParam gelu{g};
      const TypeParam one{1.0f};
      kernels.silu_product(&silu, &one, 1);
      kernels.gelu_product(&gelu, &one, 1);
      const double expected = g > 0 ? as_double(TypeParam(g)) : 0;
      EXPECT_NEAR(as_double(silu), expected, 1e-9 + 1e-6 * expected) << table->name << " " << g;
      EXPECT_NEAR(as_double(gelu), expected, 1e-9 + 1e-6 * expected) << table->name << " " << g;
    }
  }
}

TYPED_TEST(Rows, BothRopeLayouts) {
  this->each([&](const RowKernels<TypeParam>& kernels, std::size_t half, Dice& dice) {
    constexpr std::size_t kHeads = 3;
    const std::size_t width = 2 * half;
    const std::vector<float> cosine = random_numbers<float>(dice, half);
    const std::vector<float> sine = random_numbers<float>(dice, half);
    const std::vector<TypeParam> x = this->guarded(dice, kHeads * width);
    for (const bool pairs : {false, true}) {
      std::vector<TypeParam> out = x;
      (pairs ? kernels.rope_pairs : kernels.rope_half)(out.data(), kHeads, width, cosine.data(), sine.data());
      this->check_guard(out);
      for (std::size_t h = 0; h < kHeads; ++h) {
        for (std::size_t i = 0; i < half; ++i) {
          const std::size_t first = h * width + (pairs ? 2 * i : i);
          const std::size_t second = first + (pairs ? 1 : half);
          const double a = as_double(x[first]), b = as_double(x[second]);
          const auto c = static_cast<double>(cosine[i]), s = static_cast<double>(sine[i]);
          const double size = std::fabs(a) + std::fabs(b);
          ASSERT_NEAR(as_double(out[first]), a * c - b * s, this->bound(a * c - b * s, size));
          ASSERT_NEAR(as_double(out[second]), b * c + a * s, this->bound(b * c + a * s, size));
        }
      }
    }
  });
}

TYPED_TEST(Rows, DotAndConversions) {
  this->each([&](const RowKernels<TypeParam>& kernels, std::size_t n, Dice& dice) {
    const std::vector<TypeParam> x = random_numbers<TypeParam>(dice, n);
    const std::vector<float> w = random_numbers<float>(dice, n);
    double expected = 0, size = 0;
    for (std::size_t i = 0; i < n; ++i) {
      expected += as_double(x[i]) * static_cast<double>(w[i]);
      size += std::fabs(as_double(x[i]) * static_cast<double>(w[i]));
    }
    // A sum of n products in f32: n roundings at most of the partial sums.
    ASSERT_NEAR(static_cast<double>(kernels.dot(x.data(), w.data(), n)), expected,
                static_cast<double>(n) * 0x1p-24 * size);
    std::vector<float> wide(n + 1, 77.0f);
    kernels.to_float(x.data(), wide.data(), n);
    EXPECT_EQ(wide[n], 77.0f);
    std::vector<TypeParam> narrow = this->guarded(dice, n);
    kernels.from_float(w.data(), narrow.data(), n);
    this->check_guard(narrow);
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(wide[i], static_cast<float>(x[i]));
      ASSERT_EQ(as_double(narrow[i]), as_double(TypeParam(w[i])));
    }
  });
}

}  // namespace
}  // namespace tome::ops
