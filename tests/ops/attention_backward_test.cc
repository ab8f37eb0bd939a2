#include "ops/attention_backward.h"

#include <algorithm>
#include <ostream>

#include "base/aligned.h"
#include "ops_files.h"

namespace tome::ops {
namespace {

struct Problem {
  int heads, kv_heads, width;
  std::size_t keys, queries;  // the last rows ask
  std::int64_t window = 0;

  friend std::ostream& operator<<(std::ostream& out, const Problem& p) {
    return out << p.heads << "/" << p.kv_heads << " heads x " << p.width << ", " << p.queries << " of " << p.keys
               << " tokens, window " << p.window;
  }
};

template <typename T>
class AttentionGradient : public OpsTest {
 protected:
  void make(const Problem& p) {
    Dice dice(p.keys * 31 + static_cast<std::uint64_t>(p.width));
    shape_ = {p.heads, p.kv_heads, p.width, 1.0f / std::sqrt(static_cast<float>(p.width))};
    keys_ = p.keys;
    q_width_ = static_cast<std::size_t>(p.heads * p.width);
    kv_width_ = static_cast<std::size_t>(p.kv_heads * p.width);
    q_ = random_numbers<T>(dice, p.queries * q_width_, 1.5f);
    d_out_ = random_numbers<T>(dice, p.queries * q_width_);
    k_ = random_numbers<T>(dice, p.keys * kv_width_);
    v_ = random_numbers<T>(dice, p.keys * kv_width_);
    visible_.clear();
    for (std::size_t t = 0; t < p.queries; ++t) {
      visible_.push_back(causal_range(static_cast<std::int64_t>(p.keys - p.queries + t), p.window));
    }
  }

  // Exact gradients, and the log-sum-exp and delta that the forward pass would hand over.
  void reference() {
    const auto width = static_cast<std::size_t>(shape_.head_width);
    const auto heads = static_cast<std::size_t>(shape_.heads);
    dq_expected_.assign(q_.size(), 0);
    dk_expected_.assign(k_.size(), 0);
    dv_expected_.assign(v_.size(), 0);
    log_sum_exp_.assign(visible_.size() * heads, 0);
    delta_.assign(log_sum_exp_.size(), 0);
    for (std::size_t t = 0; t < visible_.size(); ++t) {
      for (std::size_t h = 0; h < heads; ++h) reference_row(t, h, width);
    }
  }

  void reference_row(std::size_t t, std::size_t h, std::size_t width) {
    const std::size_t kv_head = h / static_cast<std::size_t>(shape_.group());
    std::vector<std::size_t> seen;
    for (std::int64_t j = visible_[t].begin; j < visible_[t].end; ++j) {
      if (j < visible_[t].gap_begin || j >= visible_[t].gap_end) seen.push_back(static_cast<std::size_t>(j));
    }
    std::vector<double> q, d_out, k, v;
    for (std::size_t c = 0; c < width; ++c) {
      q.push_back(as_double(q_[t * q_width_ + h * width + c]));
      d_out.push_back(as_double(d_out_[t * q_width_ + h * width + c]));
    }
    for (const std::size_t j : seen) {
      for (std::size_t c = 0; c < width; ++c) {
        k.push_back(as_double(k_[j * kv_width_ + kv_head * width + c]));
        v.push_back(as_double(v_[j * kv_width_ + kv_head * width + c]));
      }
    }
    std::vector<double> dk(k.size()), dv(v.size());
    const double scale = static_cast<double>(shape_.scale);
    const auto dq = attention_row_gradient_reference(q, k, v, d_out, scale, dk, dv);
    std::copy(dq.begin(), dq.end(), dq_expected_.begin() + static_cast<std::ptrdiff_t>(t * q_width_ + h * width));
    for (std::size_t i = 0; i < seen.size(); ++i) {
      for (std::size_t c = 0; c < width; ++c) {
        dk_expected_[seen[i] * kv_width_ + kv_head * width + c] += dk[i * width + c];
        dv_expected_[seen[i] * kv_width_ + kv_head * width + c] += dv[i * width + c];
      }
    }
    double log_sum_exp = 0;
    const auto out = attention_row_reference(q, k, v, scale, &log_sum_exp);
    double delta = 0;
    for (std::size_t c = 0; c < width; ++c) delta += out[c] * d_out[c];
    log_sum_exp_[t * static_cast<std::size_t>(shape_.heads) + h] = static_cast<float>(log_sum_exp);
    delta_[t * static_cast<std::size_t>(shape_.heads) + h] = static_cast<float>(delta);
  }

  // heads_at_once: query heads of one call; 0: all.
  void gradients(int thread_count, int heads_at_once = 0) {
    Threads threads(thread_count);
    const auto stride = [](std::size_t n) { return static_cast<std::ptrdiff_t>(n); };
    dq_.assign(q_.size(), 7.0f);
    dk_.assign(k_.size(), 7.0f);
    dv_.assign(v_.size(), 7.0f);
    AttentionShape shape = shape_;
    if (heads_at_once > 0) shape.heads = heads_at_once;
    AttentionBackward<T> backward;
    for (int head = 0; head < shape_.heads; head += shape.heads) {
      const int column = head * shape_.head_width;
      AttentionGradientInput<T> input;
      input.q = {q_.data() + column, stride(q_width_)};
      input.k = {k_.data(), stride(kv_width_)};
      input.v = {v_.data(), stride(kv_width_)};
      input.d_out = {d_out_.data() + column, stride(q_width_)};
      input.log_sum_exp = {log_sum_exp_.data() + head, shape_.heads};
      input.delta = {delta_.data() + head, shape_.heads};
      input.visible = visible_;
      input.keys = keys_;
      for (int again = 0; again < (heads_at_once > 0 ? 1 : 2); ++again) {
        backward.run(threads, shape, input, head > 0, {dk_.data(), stride(kv_width_)}, {dv_.data(), stride(kv_width_)});
      }
      const std::size_t half = visible_.size() / 2;
      float* dq = dq_.data() + column;
      backward.queries(0, half, {dq, stride(q_width_)});
      backward.queries(half, visible_.size() - half, {dq + half * q_width_, stride(q_width_)});
    }
  }

  // ||got - expected|| / ||expected||: f32 keeps exp2's error (3e-6) and its own sums; with bf16 dot products P and dS
  // are rounded to bf16, and errors of independent elements average out.
  static void expect_near(const std::vector<float>& got, const std::vector<double>& expected, const char* what) {
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      difference += std::pow(static_cast<double>(got[i]) - expected[i], 2);
      size += expected[i] * expected[i];
    }
    const bool narrow = sizeof(T) == 2 && kernels().level >= CpuLevel::kBf16;
    const double least = 0.1 * std::sqrt(static_cast<double>(got.size()));  // where gradients cancel to nothing
    EXPECT_LE(std::sqrt(difference), (narrow ? 6e-3 : 2e-5) * (std::sqrt(size) + least)) << what;
  }

  void check() {
    expect_near(dq_, dq_expected_, "dq");
    expect_near(dk_, dk_expected_, "dk");
    expect_near(dv_, dv_expected_, "dv");
  }

  void run(const Problem& p) {
    SCOPED_TRACE(testing::Message() << p);
    make(p);
    reference();
    gradients(2);
    check();
  }

  AttentionShape shape_;
  std::size_t keys_ = 0, q_width_ = 0, kv_width_ = 0;
  std::vector<T> q_, k_, v_, d_out_;
  std::vector<KeyRange> visible_;
  std::vector<double> dq_expected_, dk_expected_, dv_expected_;
  std::vector<float> log_sum_exp_, delta_, dq_, dk_, dv_;
};

using Types = testing::Types<bf16, float>;
TYPED_TEST_SUITE(AttentionGradient, Types);

TYPED_TEST(AttentionGradient, EveryHeadWidthAndGroupSize) {
  for (const int width : {10, 12, 16, 64, 80, 128, 256}) {
    for (const auto& [heads, kv_heads] : {std::pair(1, 1), std::pair(3, 1), std::pair(6, 2)}) {
      this->run({heads, kv_heads, width, 130, 130});
    }
  }
}

TYPED_TEST(AttentionGradient, OddTokenCounts) {
  for (const std::size_t tokens : {1u, 2u, 5u, 95u, 96u, 97u, 127u, 128u, 129u, 191u, 192u, 193u, 300u}) {
    this->run({2, 1, 16, tokens, tokens});
    this->run({2, 2, 16, tokens, (tokens + 2) / 3});
  }
}

TYPED_TEST(AttentionGradient, WindowEdges) {
  for (const std::int64_t window : {1, 2, 31, 95, 96, 97, 128, 1000}) this->run({3, 1, 10, 400, 400, window});
}

TYPED_TEST(AttentionGradient, QuestionsSeeTheTextAndThemselves) {  // a text of 210 tokens, then questions of 1 to 60
  this->make({2, 1, 12, 400, 400});
  std::int64_t start = 210;
  for (const std::int64_t length : {60, 1, 40, 59, 30}) {
    for (std::int64_t t = start; t < start + length; ++t) {
      this->visible_[static_cast<std::size_t>(t)] = {0, t + 1, 210, start};
    }
    start += length;
  }
  this->reference();
  this->gradients(3);
  this->check();
}

TYPED_TEST(AttentionGradient, PackedTextsSeeOnlyThemselves) {
  this->make({2, 1, 12, 500, 500});
  for (std::int64_t t = 0; t < 500; ++t) {
    this->visible_[static_cast<std::size_t>(t)] = {t < 150 ? 0 : t < 151 ? 150 : t < 400 ? 151 : 400, t + 1};
  }
  this->reference();
  this->gradients(2);
  this->check();
}

TYPED_TEST(AttentionGradient, QueryHeadsOneByOne) {  // their keys' gradients add up
  this->make({3, 1, 16, 300, 200});
  this->reference();
  this->gradients(2, 1);
  this->check();
}

TYPED_TEST(AttentionGradient, AnyNumberOfThreadsGivesTheSameBits) {
  this->make({4, 2, 64, 700, 700});
  this->reference();
  this->gradients(1);
  const auto dq = this->dq_, dk = this->dk_, dv = this->dv_;
  for (const int threads : {2, 3, 5}) {
    this->gradients(threads);
    EXPECT_EQ(dq, this->dq_);
    EXPECT_EQ(dk, this->dk_);
    EXPECT_EQ(dv, this->dv_);
  }
}

TEST(AttentionReference, AgreesWithCentralDifferences) {
  Dice dice(5);
  const std::size_t width = 6, keys = 5;
  const auto numbers = [&](std::size_t n) {
    std::vector<double> out;
    for (std::size_t i = 0; i < n; ++i) out.push_back(static_cast<double>(dice.normal()));
    return out;
  };
  std::vector<double> q = numbers(width), k = numbers(keys * width), v = numbers(keys * width);
  const std::vector<double> d_out = numbers(width);
  const auto value = [&] {
    const auto out = attention_row_reference(q, k, v, 0.4, nullptr);
    double sum = 0;
    for (std::size_t c = 0; c < width; ++c) sum += out[c] * d_out[c];
    return sum;
  };
  std::vector<double> dk(k.size()), dv(v.size());
  const auto dq = attention_row_gradient_reference(q, k, v, d_out, 0.4, dk, dv);
  const auto check = [&](std::vector<double>& x, const std::vector<double>& gradient) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double at = x[i];
      x[i] = at + 1e-5;
      const double above = value();
      x[i] = at - 1e-5;
      const double below = value();
      x[i] = at;
      EXPECT_NEAR((above - below) / 2e-5, gradient[i], 1e-8);
    }
  };
  check(q, dq);
  check(k, dk);
  check(v, dv);
}

}  // namespace
}  // namespace tome::ops
