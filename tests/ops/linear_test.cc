// Products with packed weights, exact and int8, of every level that this machine has.
#include "ops/linear.h"

#include <algorithm>
#include <numeric>

#include "base/aligned.h"
#include "ops/int8.h"
#include "ops_files.h"

namespace tome::ops {
namespace {

constexpr std::size_t kWidths[] = {1, 28, 33, 64, 80, 321, 577};
constexpr std::size_t kColumns[] = {1, 15, 16, 17, 50, 64};
constexpr std::size_t kRowCounts[] = {1, 2, 3, 4, 5, 6, 7, 13, 16, 40};
constexpr std::size_t kStride = 70;

template <typename T>
struct Problem {
  std::size_t rows, width, columns;
  std::vector<T> x;
  std::vector<float> weights;

  Problem(std::size_t row_count, std::size_t w, std::size_t c) : rows(row_count), width(w), columns(c) {
    Dice dice(rows * 1000 + width * 7 + columns);
    x = random_numbers<T>(dice, rows * width);
    weights = random_numbers<float>(dice, columns * width, 0.3f);
  }
  double dot(std::size_t r, std::size_t n, bool sizes, bool round_weights) const {
    double sum = 0;
    for (std::size_t i = 0; i < width; ++i) {
      const float w = weights[n * width + i];
      const double term = as_double(x[r * width + i]) * (round_weights ? as_double(T(w)) : static_cast<double>(w));
      sum += sizes ? std::fabs(term) : term;
    }
    return sum;
  }
};

template <typename T>
class Linear : public testing::Test {};
using Types = testing::Types<bf16, float>;
TYPED_TEST_SUITE(Linear, Types);

template <typename T>
void check_untouched(const std::vector<T>& y, std::size_t rows, std::size_t columns) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t n = columns; n < kStride; ++n) ASSERT_EQ(as_double(y[r * kStride + n]), 77.0) << "row " << r;
  }
}

template <typename T>
void check_exact(const Kernels& table, const Problem<T>& p) {
  AlignedBuffer<std::uint32_t> panel(linear_panel_words<T>(p.width));
  table.rows<T>().linear_pack(p.weights.data(), p.columns, p.width, panel.data());
  std::vector<T> y(p.rows * kStride, T(77.0f));
  table.rows<T>().linear_product({p.x.data(), p.rows, p.width}, {panel.data(), panel.size(), p.columns}, false,
                                 y.data(), kStride);
  check_untouched(y, p.rows, p.columns);
  for (std::size_t r = 0; r < p.rows; ++r) {
    for (std::size_t n = 0; n < p.columns; ++n) {
      const double expected = p.dot(r, n, false, true);
      // f32 sums of `width` products, then rounding to T.
      const double bound =
          static_cast<double>(p.width + 1) * 0x1p-24 * p.dot(r, n, true, true) + kRounding<T> * std::fabs(expected);
      ASSERT_NEAR(as_double(y[r * kStride + n]), expected, bound + 1e-30);
    }
  }
}

TYPED_TEST(Linear, ExactProducts) {
  for (const Kernels* table : all_levels()) {
    for (const std::size_t width : kWidths) {
      for (const std::size_t rows : kRowCounts) {
        for (const std::size_t columns : kColumns) {
          SCOPED_TRACE(cat(table->name, ", ", rows, " rows, ", width, " wide, ", columns, " columns"));
          check_exact(*table, Problem<TypeParam>(rows, width, columns));
        }
      }
    }
  }
}

TYPED_TEST(Linear, ARowDoesNotDependOnTheOthers) {
  for (const Kernels* table : all_levels()) {
    const Problem<TypeParam> p(13, 321, 64);
    const auto& kernels = table->template rows<TypeParam>();
    AlignedBuffer<std::uint32_t> panel(linear_panel_words<TypeParam>(p.width));
    kernels.linear_pack(p.weights.data(), p.columns, p.width, panel.data());
    std::vector<TypeParam> all(13 * 64), one(64);
    kernels.linear_product({p.x.data(), 13, p.width}, {panel.data(), panel.size(), 64}, false, all.data(), 64);
    for (std::size_t r = 0; r < 13; ++r) {
      kernels.linear_product({p.x.data() + r * p.width, 1, p.width}, {panel.data(), panel.size(), 64}, false,
                             one.data(), 64);
      EXPECT_EQ(std::memcmp(one.data(), all.data() + r * 64, 64 * sizeof(TypeParam)), 0) << table->name << " row " << r;
    }
  }
}

// Panels that lie apart, the last of them not full: each column as from a panel of its own.
TYPED_TEST(Linear, SeveralPanels) {
  constexpr std::size_t kAll = 150;
  constexpr std::size_t kGap = 33;
  for (const Kernels* table : all_levels()) {
    const auto& kernels = table->template rows<TypeParam>();
    for (const std::size_t rows : {1u, 16u, 37u, 96u}) {
      SCOPED_TRACE(cat(table->name, ", ", rows, " rows"));
      const Problem<TypeParam> p(rows, 70, kAll);
      const std::size_t words = linear_panel_words<TypeParam>(p.width) + kGap;
      AlignedBuffer<std::uint32_t> panels(3 * words);
      std::vector<TypeParam> expected(rows * kAll), y(rows * kAll);
      for (std::size_t first = 0, i = 0; first < kAll; first += kLinearPanel, ++i) {
        const std::size_t columns = std::min(kLinearPanel, kAll - first);
        std::uint32_t* panel = panels.data() + i * words;
        kernels.linear_pack(p.weights.data() + first * p.width, columns, p.width, panel);
        kernels.linear_product({p.x.data(), rows, p.width}, {panel, words, columns}, false, expected.data() + first,
                               kAll);
      }
      kernels.linear_product({p.x.data(), rows, p.width}, {panels.data(), words, kAll}, false, y.data(), kAll);
      EXPECT_EQ(std::memcmp(y.data(), expected.data(), y.size() * sizeof(TypeParam)), 0);
    }
  }
}

// x [rows][width] and low [rows][rank] times one panel, added to what is there; and the same from a packed W^T.
TYPED_TEST(Linear, LowRankTermAndTransposedWeights) {
  constexpr std::size_t kRows = 39;
  for (const Kernels* table : all_levels()) {
    const auto& kernels = table->template rows<TypeParam>();
    for (const std::size_t width : {1u, 33u, 64u, 150u}) {
      for (const std::size_t rank : {1u, 4u, 7u, 40u}) {
        SCOPED_TRACE(cat(table->name, ", ", width, " wide, rank ", rank));
        const Problem<TypeParam> p(kRows, width, 37);
        const Problem<TypeParam> low(kRows, rank, 37);
        AlignedBuffer<std::uint32_t> panel(linear_panel_words<TypeParam>(width, rank));
        AlignedBuffer<std::uint32_t> same(linear_panel_words<TypeParam>(width, rank));
        kernels.linear_pack(p.weights.data(), 37, width, panel.data());
        std::vector<float> transposed(width * 37);  // as the rows of the weight whose transpose p.weights is
        for (std::size_t n = 0; n < 37; ++n) {
          for (std::size_t i = 0; i < width; ++i) transposed[i * 37 + n] = p.weights[n * width + i];
        }
        for (std::size_t first = 0; first < width; first += 64) {
          kernels.linear_pack_transposed(transposed.data() + first * 37, std::min<std::size_t>(64, width - first), 37,
                                         37, same.data() + linear_panel_words<TypeParam>(first));
        }
        const std::size_t words = linear_panel_words<TypeParam>(width);
        EXPECT_EQ(std::memcmp(panel.data(), same.data(), words * 4), 0);
        kernels.linear_pack(low.weights.data(), 37, rank, panel.data() + words);
        std::vector<float> y(kRows * kStride, 77.0f);
        for (std::size_t r = 0; r < kRows; ++r)
          std::fill_n(y.begin() + static_cast<std::ptrdiff_t>(r * kStride), 37, 1.0f);
        kernels.linear_product_f32({p.x.data(), kRows, width, low.x.data(), rank}, {panel.data(), panel.size(), 37},
                                   true, y.data(), kStride);
        check_untouched(y, kRows, 37);
        for (std::size_t r = 0; r < kRows; ++r) {
          for (std::size_t n = 0; n < 37; ++n) {
            const double size = p.dot(r, n, true, true) + low.dot(r, n, true, true) + 1;
            EXPECT_NEAR(static_cast<double>(y[r * kStride + n]),
                        1 + p.dot(r, n, false, true) + low.dot(r, n, false, true),
                        static_cast<double>(width + rank + 2) * 0x1p-24 * size);
          }
        }
      }
    }
  }
}

TYPED_TEST(Linear, OuterProducts) {
  for (const Kernels* table : all_levels()) {
    for (const std::size_t width : {1u, 15u, 40u, 97u}) {
      for (const std::size_t rank : {1u, 5u, 8u, 19u}) {
        for (const std::size_t rows : {1u, 6u, 50u}) {
          Dice dice(width * 100 + rank * 10 + rows);
          const auto x = random_numbers<TypeParam>(dice, rows * (width + 3));
          const auto low = random_numbers<float>(dice, rows * rank);
          std::vector<float> sums(rank * width, 2.0f);
          table->template rows<TypeParam>().outer_product(x.data(), width + 3, low.data(), rank, rows, width,
                                                          sums.data());
          for (std::size_t k = 0; k < rank; ++k) {
            for (std::size_t i = 0; i < width; ++i) {
              double expected = 2, size = 2;
              for (std::size_t t = 0; t < rows; ++t) {
                const double term = static_cast<double>(low[t * rank + k]) * as_double(x[t * (width + 3) + i]);
                expected += term;
                size += std::fabs(term);
              }
              ASSERT_NEAR(static_cast<double>(sums[k * width + i]), expected,
                          static_cast<double>(rows + 1) * 0x1p-24 * size)
                  << table->name << ", " << width << " wide, rank " << rank << ", " << rows << " rows";
            }
          }
        }
      }
    }
  }
}

// Memory of one packed panel.
struct PanelMemory {
  AlignedBuffer<std::int8_t> values;
  AlignedBuffer<float> scales, offsets;
  AlignedBuffer<std::int32_t> bias;

  explicit PanelMemory(std::size_t width)
      : values(int8_panel_values(width)),
        scales(int8_panel_scales(width)),
        offsets(int8_panel_scales(width)),
        bias(int8_panel_scales(width)) {}
  Int8Panel panel(bool with_offsets) {
    return {values.data(), scales.data(), with_offsets ? offsets.data() : nullptr, bias.data()};
  }
};

// `offset` is added to every weight, beside its integers.
template <typename T>
void check_int8(const Kernels& table, const Problem<T>& p, float offset) {
  const auto& kernels = table.rows<T>();
  PanelMemory memory(p.width);
  const Int8Panel panel = memory.panel(offset != 0);
  Int8Weights weights;
  weights.resize(p.columns, p.width);
  table.int8_quantize_weights(p.weights.data(), p.width, weights);
  std::fill(weights.offsets.begin(), weights.offsets.end(), offset);
  table.int8_pack(weights, panel);
  Int8Rows x;
  kernels.quantize_rows(p.x.data(), p.rows, p.width, x);
  std::vector<T> y(p.rows * kStride, T(77.0f));
  kernels.int8_product(x, panel, p.columns, y.data(), kStride);
  check_untouched(y, p.rows, p.columns);
  for (std::size_t r = 0; r < p.rows; ++r) {
    for (std::size_t n = 0; n < p.columns; ++n) {
      // Rounding to a grid of step s has variance s^2 / 12: six deviations.
      double variance = 0, x_sum = 0, x_size = 0;
      for (std::size_t i = 0; i < p.width; ++i) {
        const std::size_t g = i / kInt8Group;
        const double xi = as_double(p.x[r * p.width + i]);
        const auto w = static_cast<double>(p.weights[n * p.width + i]);
        const auto sx = static_cast<double>(x.scales[r * x.groups + g]);
        const auto sw = static_cast<double>(weights.scales[n * x.groups + g]);
        variance += (sx * sx * w * w + sw * sw * xi * xi + sx * sx * sw * sw / 12) / 12;
        variance += sx * sx * static_cast<double>(offset) * static_cast<double>(offset) / 12;
        x_sum += xi;
        x_size += std::fabs(xi);
      }
      const double expected = p.dot(r, n, false, false) + static_cast<double>(offset) * x_sum;
      const double f32 = 16 * 0x1p-24 * (p.dot(r, n, true, false) + std::fabs(static_cast<double>(offset)) * x_size);
      ASSERT_NEAR(as_double(y[r * kStride + n]), expected,
                  6 * std::sqrt(variance) + f32 + 2 * kRounding<T> * std::fabs(expected));
    }
  }
}

TYPED_TEST(Linear, Int8Products) {
  bool any = false;
  for (const Kernels* table : all_levels()) {
    if (!table->int8) continue;
    any = true;
    for (const std::size_t width : kWidths) {
      for (const std::size_t rows : kRowCounts) {
        for (const std::size_t columns : kColumns) {
          SCOPED_TRACE(cat(table->name, ", ", rows, " rows, ", width, " wide, ", columns, " columns"));
          check_int8(*table, Problem<TypeParam>(rows, width, columns), 0.0f);
          check_int8(*table, Problem<TypeParam>(rows, width, columns), -0.4f);
        }
      }
    }
  }
  if (!any) GTEST_SKIP() << "this CPU has no int8 dot product";
}

TYPED_TEST(Linear, Int8OfZerosIsZero) {
  for (const Kernels* table : all_levels()) {
    if (!table->int8) continue;
    Problem<TypeParam> p(3, 80, 20);
    std::fill(p.x.begin(), p.x.end(), TypeParam(0.0f));
    check_int8(*table, p, 0.0f);
    std::fill(p.weights.begin(), p.weights.end(), 0.0f);
    check_int8(*table, p, 0.0f);
  }
}

}  // namespace
}  // namespace tome::ops
