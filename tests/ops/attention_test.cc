#include "ops/attention.h"

#include <algorithm>
#include <ostream>

#include "base/aligned.h"
#include "ops_files.h"

namespace tome::ops {
namespace {

// Of exp2 in softmax (kernels/simd.h): coarser where the weights are rounded to bf16.
template <typename T>
double exp2_error() {
  return sizeof(T) == 2 && kernels().level >= CpuLevel::kBf16 ? 8e-5 : 3e-6;
}

struct Problem {
  int heads, kv_heads, width;
  std::int64_t keys;    // in the sequence, the queries' own among them
  std::size_t queries;  // the last ones
  std::int64_t window;  // 0: none
  std::vector<std::int64_t> absent_blocks = {};

  friend std::ostream& operator<<(std::ostream& out, const Problem& p) {
    return out << p.heads << "/" << p.kv_heads << " heads x " << p.width << ", " << p.queries << " of " << p.keys
               << " tokens, window " << p.window << ", " << p.absent_blocks.size() << " blocks absent";
  }
};

template <typename T>
class Attention : public OpsTest {
 protected:
  // Keys and values in blocks, random queries.
  void make(const Problem& p) {
    Dice dice(static_cast<std::uint64_t>(p.keys) * 31 + static_cast<std::uint64_t>(p.width));
    shape_ = {p.heads, p.kv_heads, p.width, 1.0f / std::sqrt(static_cast<float>(p.width))};
    const auto kv_width = static_cast<std::size_t>(p.kv_heads * p.width);
    q_ = random_numbers<T>(dice, p.queries * static_cast<std::size_t>(p.heads * p.width), 1.5f);
    k_ = random_numbers<T>(dice, static_cast<std::size_t>(p.keys) * kv_width);
    v_ = random_numbers<T>(dice, static_cast<std::size_t>(p.keys) * kv_width);
    visible_.clear();
    for (std::size_t t = 0; t < p.queries; ++t) {
      visible_.push_back(causal_range(p.keys - static_cast<std::int64_t>(p.queries - t), p.window));
    }
    const std::size_t words = kv_block_words<T>(shape_);
    memory_.clear();
    blocks_.clear();
    for (std::int64_t first = 0; first < p.keys; first += kKvBlock) {
      if (std::count(p.absent_blocks.begin(), p.absent_blocks.end(), first / kKvBlock) > 0) continue;
      const int count = static_cast<int>(std::min<std::int64_t>(kKvBlock, p.keys - first));
      std::uint32_t* block = memory_.emplace_back(2 * words).data();
      std::fill(block, block + 2 * words, 0u);
      const auto offset = static_cast<std::size_t>(first) * kv_width;
      for (int at = 0; at < count; at += 100) {  // several appends
        pack_kv<T>(shape_, k_.data() + offset + static_cast<std::size_t>(at) * kv_width,
                   v_.data() + offset + static_cast<std::size_t>(at) * kv_width, static_cast<std::ptrdiff_t>(kv_width),
                   std::min(100, count - at), at, block, block + words);
      }
      blocks_.push_back({block, block + words, first, count});
    }
  }

  void check(const Problem& p, std::span<const T> out, std::span<const float> log_sum_exp) {
    const auto width = static_cast<std::size_t>(p.width);
    double largest = 0;
    for (const T& v : v_) largest = std::max(largest, std::fabs(as_double(v)));
    // Scores: f32 sums of C products, rounding errors add up like sqrt(C); exp2's error counts in sum and total;
    // weights and outputs are rounded to T.
    const double score_error = 8 * std::sqrt(static_cast<double>(p.width)) * 0x1p-24 * 16;
    const double bound = largest * (2 * exp2_error<T>() + 2 * score_error + (sizeof(T) == 2 ? 2 * kRounding<T> : 1e-6));
    for (std::size_t t = 0; t < p.queries; ++t) {
      for (std::size_t h = 0; h < static_cast<std::size_t>(p.heads); ++h) {
        double expected_sum = 0;
        const std::vector<double> expected = reference(p, t, h, &expected_sum);
        const std::size_t row = t * static_cast<std::size_t>(p.heads) + h;
        for (std::size_t c = 0; c < width; ++c) {
          ASSERT_NEAR(as_double(out[row * width + c]), expected[c], bound) << p << " token " << t << " head " << h;
        }
        if (!log_sum_exp.empty()) {
          ASSERT_NEAR(static_cast<double>(log_sum_exp[row]), expected_sum, exp2_error<T>() + score_error + 1e-5) << p;
        }
      }
    }
  }

  void run(const Problem& p, int thread_count) {
    make(p);
    Threads threads(thread_count);
    std::vector<T> out(q_.size());
    std::vector<float> sums(p.queries * static_cast<std::size_t>(p.heads));
    attention_forward<T>(threads, shape_, q_.data(), visible_, blocks_, out.data(), sums.data());
    check(p, out, sums);
    attention_forward<T>(threads, shape_, q_.data(), visible_, blocks_, q_.data());  // in place
    EXPECT_EQ(std::memcmp(q_.data(), out.data(), out.size() * sizeof(T)), 0) << p;
  }

  std::vector<double> reference(const Problem& p, std::size_t t, std::size_t h, double* log_sum_exp) const {
    const auto width = static_cast<std::size_t>(p.width);
    const std::size_t kv_head = h / static_cast<std::size_t>(shape_.group());
    std::vector<double> q, k, v;
    for (std::size_t c = 0; c < width; ++c) {
      q.push_back(as_double(q_[(t * static_cast<std::size_t>(p.heads) + h) * width + c]));
    }
    for (std::int64_t j = visible_[t].begin; j < visible_[t].end; ++j) {
      if (j >= visible_[t].gap_begin && j < visible_[t].gap_end) continue;
      const std::size_t at = (static_cast<std::size_t>(j) * static_cast<std::size_t>(p.kv_heads) + kv_head) * width;
      for (std::size_t c = 0; c < width; ++c) {
        k.push_back(as_double(k_[at + c]));
        v.push_back(as_double(v_[at + c]));
      }
    }
    return attention_row_reference(q, k, v, static_cast<double>(shape_.scale), log_sum_exp);
  }

  AttentionShape shape_;
  std::vector<T> q_, k_, v_;
  std::vector<KeyRange> visible_;
  std::vector<KvBlock> blocks_;

 private:
  std::vector<AlignedBuffer<std::uint32_t>> memory_;
};

using Types = testing::Types<bf16, float>;
TYPED_TEST_SUITE(Attention, Types);

TYPED_TEST(Attention, EveryHeadWidthAndGroupSize) {
  for (const int width : {10, 12, 16, 64, 80, 128, 256}) {
    for (const auto& [heads, kv_heads] :
         {std::pair(1, 1), std::pair(3, 1), std::pair(4, 1), std::pair(9, 1), std::pair(6, 2)}) {
      this->run({heads, kv_heads, width, 77, 77, 0}, 2);
    }
  }
}

TYPED_TEST(Attention, OddTokenCounts) {
  for (const std::int64_t tokens : {1, 2, 5, 15, 17, 63, 97, 255, 256, 257, 300}) {
    this->run({2, 1, 16, tokens, static_cast<std::size_t>(tokens), 0}, 2);
  }
}

TYPED_TEST(Attention, WindowEdges) {
  for (const std::int64_t window : {1, 2, 16, 63, 64, 65, 255, 256, 257, 1000}) {
    this->run({3, 1, 10, 700, 300, window}, 2);
  }
}

TYPED_TEST(Attention, OneTokenIsSplitOverTheKeys) {
  for (const std::int64_t keys : {1, 256, 1024, 2500, 10000}) {
    for (const int threads : {1, 2, 5}) {
      this->run({3, 1, 16, keys, 1, 0}, threads);
      this->run({4, 2, 64, keys + 2, 3, 0}, threads);
    }
  }
}

TYPED_TEST(Attention, SharesWithoutAnyVisibleKeyOfARow) {  // the first token's window ends before the last one's begins
  this->run({1, 1, 16, 6000, 90, 3000}, 3);
  this->make({1, 1, 16, 6000, 2, 0});
  this->visible_ = {{10, 11}, {5990, 5999}};
  Threads threads(4);
  std::vector<TypeParam> out(this->q_.size());
  attention_forward<TypeParam>(threads, this->shape_, this->q_.data(), this->visible_, this->blocks_, out.data());
  this->check({1, 1, 16, 6000, 2, 0}, out, {});
}

TYPED_TEST(Attention, GapsInWhatATokenSees) {
  for (const std::int64_t end : {60, 256, 300, 512, 700}) {  // of the text; questions of 45 tokens follow
    const Problem p{3, 1, 16, 1000, static_cast<std::size_t>(1000 - end), 0};
    this->make(p);
    for (std::int64_t t = end; t < 1000; ++t) {
      this->visible_[static_cast<std::size_t>(t - end)] = {t % 7, t + 1, end, end + (t - end) / 45 * 45};
    }
    Threads threads(2);
    std::vector<TypeParam> out(this->q_.size());
    attention_forward<TypeParam>(threads, this->shape_, this->q_.data(), this->visible_, this->blocks_, out.data());
    this->check(p, out, {});
  }
}

TYPED_TEST(Attention, HolesInTheTableOfBlocks) {
  this->run({2, 1, 12, 2000, 40, 300, {0, 1, 3, 4}}, 2);
  this->run({2, 1, 12, 2048, 1, 256, {0, 1, 2, 3, 4, 5, 6}}, 2);
}

TYPED_TEST(Attention, CopiedBlocksHoldTheTokensAndNothingElse) {
  for (const int count : {1, 2, 7, 255, 256}) {
    this->make({4, 2, 10, 256, 1, 0});
    const std::size_t words = kv_block_words<TypeParam>(this->shape_);
    std::vector<std::uint32_t> copy(2 * words, 0xdeadbeefu);
    std::vector<std::uint32_t> expected(2 * words, 0u);
    copy_kv<TypeParam>(this->shape_, count, this->blocks_[0].k, this->blocks_[0].v, copy.data(), copy.data() + words);
    pack_kv<TypeParam>(this->shape_, this->k_.data(), this->v_.data(), 20, count, 0, expected.data(),
                       expected.data() + words);
    EXPECT_EQ(copy, expected) << count;
  }
}

TYPED_TEST(Attention, LargeScoresDoNotOverflow) {
  this->make({1, 1, 16, 600, 4, 0});
  for (auto& q : this->q_) q = TypeParam(static_cast<float>(q) * 200.0f);
  Threads threads(2);
  std::vector<TypeParam> out(this->q_.size());
  attention_forward<TypeParam>(threads, this->shape_, this->q_.data(), this->visible_, this->blocks_, out.data());
  for (const auto& x : out) EXPECT_LT(std::fabs(as_double(x)), 6);  // a mean of values: never beyond them, never NaN
}

// Scores by int8 products of full blocks, against the slow oracle with the numbers as they were.
class Int8Scores : public Attention<bf16> {
 protected:
  void SetUp() override {
    Attention<bf16>::SetUp();
    if (!IsSkipped() && !has_int8_scores()) GTEST_SKIP() << "bf16 scores are as fast at this CPU's level";
  }

  void make_int8(const Problem& p) {
    make(p);
    quantize_full_blocks();
  }

  void quantize_full_blocks() {
    planes_.clear();
    for (KvBlock& block : blocks_) {
      if (block.count < kKvBlock) continue;
      planes_.emplace_back(static_cast<std::size_t>(shape_.kv_heads) * int8_key_words(shape_));
      quantize_keys(shape_, block.k, planes_.back().data());
      block.int8_keys = planes_.back().data();
    }
  }

  // The error's root mean square as a share of that of what is right.
  double error(const Problem& p) {
    Threads threads(2);
    std::vector<bf16> out(q_.size());
    attention_forward<bf16>(threads, shape_, q_.data(), visible_, blocks_, out.data());
    const auto width = static_cast<std::size_t>(p.width);
    double wrong = 0;
    double size = 0;
    for (std::size_t t = 0; t < p.queries; ++t) {
      for (std::size_t h = 0; h < static_cast<std::size_t>(p.heads); ++h) {
        const std::vector<double> expected = reference(p, t, h, nullptr);
        const bf16* row = out.data() + (t * static_cast<std::size_t>(p.heads) + h) * width;
        for (std::size_t c = 0; c < width; ++c) {
          wrong += std::pow(as_double(row[c]) - expected[c], 2);
          size += std::pow(expected[c], 2);
        }
      }
    }
    return std::sqrt(wrong / size);
  }

  std::vector<AlignedBuffer<std::uint32_t>> planes_;
};

// Measured: 0.005 to 0.008. bf16 scores: 0.002.
constexpr double kInt8Error = 0.012;

TEST_F(Int8Scores, EveryHeadWidthAndGroupSize) {
  for (const int width : {10, 12, 16, 48, 64, 80, 128, 256}) {
    for (const auto& [heads, kv_heads] : {std::pair(1, 1), std::pair(3, 1), std::pair(4, 2)}) {
      const Problem p{heads, kv_heads, width, 1000, 30, 0};
      make_int8(p);
      const double wrong = error(p);
      EXPECT_LT(wrong, kInt8Error) << p;
      EXPECT_GT(wrong, 0.003) << p << ": as if nothing had been rounded";
    }
  }
}

TEST_F(Int8Scores, WindowsGapsAndWholeAndPartBlocks) {
  for (const std::int64_t window : {1, 600, 639, 641, 768, 0}) {
    for (const std::int64_t keys : {1100, 1279}) {
      const Problem p{3, 1, 32, keys, 100, window};
      make_int8(p);
      EXPECT_LT(error(p), kInt8Error) << p;
    }
  }
  for (const std::int64_t end : {60, 256, 300, 512, 700}) {
    const Problem p{3, 1, 16, 1300, static_cast<std::size_t>(1300 - end), 0};
    make_int8(p);
    for (std::int64_t t = end; t < 1300; ++t) {
      visible_[static_cast<std::size_t>(t - end)] = {t % 7, t + 1, end, end + (t - end) / 45 * 45};
    }
    EXPECT_LT(error(p), kInt8Error) << p;
  }
}

// Real keys have channels that stand far out, and the same for all tokens: the mean takes them away. Channels that only
// queries have are spread by the rotation.
TEST_F(Int8Scores, ChannelsThatStandOutDoNotSpoilTheOthers) {
  const Problem p{3, 1, 64, 1200, 300, 0};
  make(p);
  for (std::size_t j = 0; j < 1200; ++j) {
    bf16& k = k_[j * 64 + 5];
    k = bf16(static_cast<float>(k) + 30.0f);
  }
  for (std::size_t i = 0; i < q_.size(); i += 64) q_[i + 9] = bf16(static_cast<float>(q_[i + 9]) * 4.0f);
  for (KvBlock& block : blocks_) {
    const std::size_t from = static_cast<std::size_t>(block.first) * 64;
    auto* k = const_cast<std::uint32_t*>(block.k);
    pack_kv<bf16>(shape_, k_.data() + from, v_.data() + from, 64, block.count, 0, k,
                  const_cast<std::uint32_t*>(block.v));
  }
  quantize_full_blocks();
  EXPECT_LT(error(p), 1.5 * kInt8Error);
}

TEST_F(Int8Scores, QueriesAndKeysOfZerosSeeAllAlike) {
  const Problem p{3, 1, 16, 900, 100, 0};
  make_int8(p);
  for (bf16& q : q_) q = bf16(0.0f);
  EXPECT_LT(error(p), 0.01);
  make(p);
  for (KvBlock& block : blocks_) {
    std::fill_n(const_cast<std::uint32_t*>(block.k), kv_block_words<bf16>(shape_), 0u);
  }
  std::fill(k_.begin(), k_.end(), bf16(0.0f));
  quantize_full_blocks();
  EXPECT_LT(error(p), 0.01);
}

}  // namespace
}  // namespace tome::ops
