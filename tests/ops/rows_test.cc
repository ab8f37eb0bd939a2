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
  static std::vector<float> guarded_floats(std::size_t count) { return std::vector<float>(count + 1, 77.0f); }
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

// The gradient of sum over i of dy[i] * (i-th output), by central differences in double.
double slope_of(const std::function<double(double)>& value, double at) {
  const double step = 1e-5 * std::max(1.0, std::fabs(at));
  return (value(at + step) - value(at - step)) / (2 * step);
}

TYPED_TEST(Rows, RmsNormBackward) {
  this->each([&](const RowKernels<TypeParam>& kernels, std::size_t n, Dice& dice) {
    const std::vector<TypeParam> x = random_numbers<TypeParam>(dice, 2 * n, 3);
    const std::vector<float> weight = random_numbers<float>(dice, n);
    const std::vector<float> dy = random_numbers<float>(dice, 2 * n);
    std::vector<float> dx = TestFixture::guarded_floats(2 * n), dw = TestFixture::guarded_floats(n);
    std::fill_n(dw.begin(), n, 1.0f);
    kernels.rms_norm_backward(x.data(), weight.data(), 1e-3f, dy.data(), 2, n, dx.data(), dw.data());
    EXPECT_EQ(dx.back(), 77.0f);
    EXPECT_EQ(dw.back(), 77.0f);
    const auto value = [&](std::size_t r, std::size_t changed, double to, std::size_t changed_weight,
                           double weight_to) {
      double squares = 0, sum = 0;
      const auto at = [&](std::size_t i) { return i == changed ? to : as_double(x[r * n + i]); };
      for (std::size_t i = 0; i < n; ++i) squares += at(i) * at(i);
      const double inverse = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-3);
      for (std::size_t i = 0; i < n; ++i) {
        const double w = i == changed_weight ? weight_to : static_cast<double>(weight[i]);
        sum += static_cast<double>(dy[r * n + i]) * at(i) * inverse * w;
      }
      return sum;
    };
    const std::size_t none = n;
    for (std::size_t i = 0; i < n; i += 1 + n / 16) {
      double expected_w = 1;
      for (std::size_t r = 0; r < 2; ++r) {
        const double expected = slope_of([&](double to) { return value(r, i, to, none, 0); }, as_double(x[r * n + i]));
        ASSERT_NEAR(static_cast<double>(dx[r * n + i]), expected, 2e-5 * (1 + std::fabs(expected)));
        expected_w += slope_of([&](double to) { return value(r, none, 0, i, to); }, static_cast<double>(weight[i]));
      }
      ASSERT_NEAR(static_cast<double>(dw[i]), expected_w, 2e-5 * (1 + std::fabs(expected_w)));
    }
    std::vector<float> in_place = dy;
    kernels.rms_norm_backward(x.data(), weight.data(), 1e-3f, in_place.data(), 2, n, in_place.data(), nullptr);
    EXPECT_EQ(std::memcmp(in_place.data(), dx.data(), 2 * n * sizeof(float)), 0);
  });
}

TYPED_TEST(Rows, ActivationsBackward) {
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  const auto silu = [&](double g) { return g * sigmoid(g); };
  const auto gelu = [&](double g) { return g * sigmoid(1.5957691216057308 * (g + 0.044715 * g * g * g)); };
  this->each([&](const RowKernels<TypeParam>& kernels, std::size_t n, Dice& dice) {
    const auto check = [&](auto backward, const std::function<double(double)>& activation) {
      const std::vector<TypeParam> g = random_numbers<TypeParam>(dice, n, 2), u = random_numbers<TypeParam>(dice, n),
                                   d = random_numbers<TypeParam>(dice, n);
      std::vector<TypeParam> dg = g, du = u;
      dg.resize(n + 1, TypeParam(77.0f));
      du.resize(n + 1, TypeParam(77.0f));
      backward(dg.data(), du.data(), d.data(), n);
      EXPECT_EQ(as_double(dg[n]), 77.0);
      EXPECT_EQ(as_double(du[n]), 77.0);
      for (std::size_t i = 0; i < n; ++i) {
        const double expected_g = as_double(d[i]) * as_double(u[i]) * slope_of(activation, as_double(g[i]));
        const double expected_u = as_double(d[i]) * activation(as_double(g[i]));
        ASSERT_NEAR(as_double(dg[i]), expected_g, this->bound(expected_g, 3));
        ASSERT_NEAR(as_double(du[i]), expected_u, this->bound(expected_u, 3));
      }
    };
    check(kernels.silu_product_backward, silu);
    check(kernels.gelu_product_backward, gelu);
  });
}

TYPED_TEST(Rows, Exponentials) {
  this->each([&](const RowKernels<TypeParam>& kernels, std::size_t n, Dice& dice) {
    const std::vector<float> x = random_numbers<float>(dice, n, 5);
    std::vector<TypeParam> out = this->guarded(dice, n);
    const auto total = static_cast<double>(kernels.exponentials(x.data(), 2.5f, out.data(), n));
    this->check_guard(out);
    double expected_total = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double expected = std::exp(static_cast<double>(x[i]) - 2.5);
      expected_total += expected;
      ASSERT_NEAR(as_double(out[i]), expected, this->bound(expected, expected));
    }
    ASSERT_NEAR(total, expected_total, 1e-5 * expected_total);
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
