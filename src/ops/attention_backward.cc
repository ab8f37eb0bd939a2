#include "ops/attention_backward.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>

#include "base/error.h"
#include "ops/kernels/kernels.h"

namespace tome::ops {
namespace {

std::size_t run_rows(const AttentionShape& shape) {
  const auto rows = static_cast<std::size_t>(kBackwardQueries);
  return shape.head_width > 128 ? rows / 2
                                : rows;  // wide heads: so that a tile's operands stay in the second-level cache
}

template <typename T>
std::size_t run_words(const AttentionShape& shape) {
  const auto pack = static_cast<std::size_t>(kernels().rows<T>().backward_pack());
  return run_rows(shape) * static_cast<std::size_t>(shape.padded_width()) / pack;
}

// What the rows of one run see, taken together.
struct Extent {
  std::int64_t least_begin, most_begin, least_end, most_end;
  bool gaps = false;

  explicit Extent(std::span<const KeyRange> rows)
      : least_begin(rows[0].begin), most_begin(rows[0].begin), least_end(rows[0].end), most_end(rows[0].end) {
    for (const KeyRange& row : rows) {
      least_begin = std::min(least_begin, row.begin);
      most_begin = std::max(most_begin, row.begin);
      least_end = std::min(least_end, row.end);
      most_end = std::max(most_end, row.end);
      gaps = gaps || row.has_gap();
    }
  }
};

bool sees_any(const KeyRange& row, std::int64_t from, std::int64_t to) {
  from = std::max(from, row.begin);
  to = std::min(to, row.end);
  if (row.has_gap() && from >= row.gap_begin) from = std::max(from, row.gap_end);
  if (row.has_gap() && to <= row.gap_end) to = std::min(to, row.gap_begin);
  return from < to;
}

bool gap_reaches(const KeyRange& row, std::int64_t from, std::int64_t to) {
  return row.has_gap() && row.gap_begin < to && row.gap_end > from;
}

// Waits until `turn` others have added; they were all started before.
void wait_for(const std::atomic<std::uint32_t>& done, std::uint32_t turn) {
  for (int spins = 0; done.load(std::memory_order_acquire) != turn; ++spins) {
    if (spins < 2000) {
      __builtin_ia32_pause();
    } else {
      std::this_thread::yield();
    }
  }
}

}  // namespace

template <typename T>
void AttentionBackward<T>::find_touches(std::span<const KeyRange> visible, std::size_t keys) {
  touches_.assign((keys + keys_ - 1) / keys_, {});
  for (std::size_t run = 0; run < runs_; ++run) {
    const auto rows = visible.subspan(run * queries_, std::min(queries_, visible.size() - run * queries_));
    const Extent extent(rows);
    std::uint32_t turn = 0;
    for (std::size_t block = static_cast<std::size_t>(extent.least_begin) / keys_; block < touches_.size(); ++block) {
      const auto from = static_cast<std::int64_t>(block * keys_);
      const std::int64_t to = std::min(from + static_cast<std::int64_t>(keys_), static_cast<std::int64_t>(keys));
      if (from >= extent.most_end) break;
      if (extent.gaps && std::none_of(rows.begin(), rows.end(), [&](const auto& r) { return sees_any(r, from, to); }))
        continue;
      const bool all = rows.size() == queries_ && extent.most_begin <= from &&
                       extent.least_end >= from + static_cast<std::int64_t>(keys_) &&
                       !(extent.gaps && std::any_of(rows.begin(), rows.end(),
                                                    [&](const auto& r) { return gap_reaches(r, from, to); }));
      touches_[block].push_back({static_cast<std::uint32_t>(run), turn++, all});
    }
  }
}

template <typename T>
void AttentionBackward<T>::pack(Threads& threads, const AttentionShape& shape, const AttentionGradientInput<T>& input) {
  const auto heads = static_cast<std::size_t>(shape.heads);
  const auto width = static_cast<std::size_t>(shape.head_width);
  const std::size_t rows = input.visible.size();
  packed_.reserve(heads * runs_ * 4 * words_);
  row_numbers_.reserve(heads * runs_ * 2 * queries_);
  dq_.reserve(heads * runs_ * padded_ * queries_);
  threads.for_each(heads * runs_, [&](std::size_t i, int) {
    const std::size_t head = i / runs_;
    const std::size_t first = i % runs_ * queries_;
    const std::size_t count = std::min(queries_, rows - first);
    std::uint32_t* words = packed_.data() + i * 4 * words_;
    const auto pack_rows = [&](const Rows<const T>& from, std::uint32_t* to) {
      kernels().rows<T>().backward_pack_queries(from[first] + head * width, from.stride, static_cast<int>(count),
                                                shape.head_width, static_cast<int>(queries_), to, to + words_);
    };
    pack_rows(input.q, words);
    pack_rows(input.d_out, words + 2 * words_);
    float* sums = row_numbers_.data() + i * 2 * queries_;
    for (std::size_t j = 0; j < queries_; ++j) {
      sums[j] = j < count ? input.log_sum_exp[first + j][head] * 1.44269504f : 0.0f;
      sums[queries_ + j] = j < count ? input.delta[first + j][head] : 0.0f;
    }
    std::memset(dq_.data() + i * padded_ * queries_, 0, padded_ * queries_ * sizeof(float));
  });
}

// Adds one key block's part to dq of all runs that see it and writes the block's dk and dv.
template <typename T>
void AttentionBackward<T>::key_block(const AttentionShape& shape, const AttentionGradientInput<T>& input,
                                     std::size_t kv_head, std::size_t block, void* scratch, bool add_to_keys,
                                     Rows<float> dk, Rows<float> dv) {
  const auto& table = kernels().rows<T>();
  const auto width = static_cast<std::size_t>(shape.head_width);
  const auto group = static_cast<std::size_t>(shape.group());
  const std::size_t first = block * keys_;
  const auto count = static_cast<int>(std::min(keys_, input.keys - first));
  table.backward_load_keys(input.k[first] + kv_head * width, input.v[first] + kv_head * width, input.k.stride, count,
                           shape.head_width, scratch);
  alignas(64) float limits[4][kBackwardQueries];
  for (std::size_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
    for (std::size_t t = 0; t < touches_[block].size(); ++t) {
      const Touch& touch = touches_[block][t];
      const std::size_t i = head * runs_ + touch.run;
      const std::uint32_t* words = packed_.data() + i * 4 * words_;
      const float* sums = row_numbers_.data() + i * 2 * queries_;
      BackwardTile tile{shape.head_width,
                        static_cast<int>(queries_),
                        shape.scale,
                        words,
                        words + 2 * words_,
                        words + words_,
                        words + 3 * words_,
                        sums,
                        sums + queries_,
                        nullptr,
                        nullptr,
                        nullptr,
                        nullptr,
                        dq_.data() + i * padded_ * queries_};
      if (t + 1 < touches_[block].size()) {
        const std::size_t next = head * runs_ + touches_[block][t + 1].run;
        tile.next_q = packed_.data() + next * 4 * words_;
        tile.next_d = tile.next_q + 2 * words_;
        tile.next_dq = dq_.data() + next * padded_ * queries_;
      }
      if (!touch.all) {
        const std::size_t rows = std::min(queries_, input.visible.size() - touch.run * queries_);
        for (std::size_t j = 0; j < queries_; ++j) {
          const KeyRange range = j < rows ? input.visible[touch.run * queries_ + j] : KeyRange{};
          const auto key = [&](std::int64_t index) {
            return static_cast<float>(std::clamp<std::int64_t>(index - static_cast<std::int64_t>(first), 0, count));
          };
          limits[0][j] = key(range.begin);
          limits[1][j] = key(range.end);
          limits[2][j] = key(range.gap_begin);
          limits[3][j] = key(range.gap_end);
        }
        tile.begin = limits[0];
        tile.end = limits[1];
        tile.gap_begin = limits[2];
        tile.gap_end = limits[3];
      }
      table.backward_scores(tile, scratch);
      wait_for(turns_[i], touch.turn);  // always in the order of the keys: the sums are the same whoever adds
      table.backward_add_queries(tile, scratch);
      turns_[i].store(touch.turn + 1, std::memory_order_release);
    }
  }
  table.backward_store_keys(count, shape.head_width, shape.scale, add_to_keys, dk[first] + kv_head * width,
                            dv[first] + kv_head * width, dk.stride, scratch);
}

template <typename T>
void AttentionBackward<T>::queries(std::size_t first, std::size_t count, Rows<float> to) const {
  for (std::size_t row = first; row < first + count; ++row) {
    const auto place =
        static_cast<std::size_t>(kernels().rows<T>().backward_query_place(static_cast<int>(row % queries_)));
    const float* from = dq_.data() + row / queries_ * padded_ * queries_ + place;
    for (std::size_t head = 0; head < heads_; ++head, from += runs_ * padded_ * queries_) {
      float* out = to[row - first] + head * width_;
      for (std::size_t c = 0; c < width_; ++c) out[c] = scale_ * from[c * queries_];
    }
  }
}

template <typename T>
std::size_t AttentionBackward<T>::bytes(const AttentionShape& shape, std::size_t query_rows) {
  const std::size_t rows = run_rows(shape);
  const std::size_t runs = (query_rows + rows - 1) / rows;
  const std::size_t run_bytes = 4 * run_words<T>(shape) * sizeof(std::uint32_t) +
                                (2 + static_cast<std::size_t>(shape.padded_width())) * rows * sizeof(float);
  return static_cast<std::size_t>(shape.heads) * runs * run_bytes;
}

template <typename T>
void AttentionBackward<T>::run(Threads& threads, const AttentionShape& shape, const AttentionGradientInput<T>& input,
                               bool add_to_keys, Rows<float> dk, Rows<float> dv) {
  TOME_CHECK(shape.head_width <= kMaxHeadWidth && shape.head_width % 2 == 0 && dk.stride == dv.stride &&
             input.k.stride == input.v.stride && !input.visible.empty());
  heads_ = static_cast<std::size_t>(shape.heads);
  scale_ = shape.scale;
  width_ = static_cast<std::size_t>(shape.head_width);
  padded_ = static_cast<std::size_t>(shape.padded_width());
  queries_ = run_rows(shape);
  keys_ = static_cast<std::size_t>(kernels().rows<T>().backward_keys());
  runs_ = (input.visible.size() + queries_ - 1) / queries_;
  words_ = run_words<T>(shape);
  find_touches(input.visible, input.keys);
  pack(threads, shape, input);
  turns_ = std::vector<std::atomic<std::uint32_t>>(static_cast<std::size_t>(shape.heads) * runs_);
  struct Free64 {
    void operator()(void* p) const { ::operator delete (p, std::align_val_t{64}); }
  };
  std::vector<std::unique_ptr<void, Free64>> scratch(static_cast<std::size_t>(threads.count()));
  for (auto& memory : scratch)
    memory.reset(::operator new (kernels().rows<T>().backward_scratch_bytes(), std::align_val_t{64}));
  // One head after another in turn: threads on blocks of the same head would wait for each other's dq.
  const auto kv_heads = static_cast<std::size_t>(shape.kv_heads);
  threads.for_each(kv_heads * touches_.size(), [&](std::size_t i, int thread) {
    key_block(shape, input, i % kv_heads, i / kv_heads, scratch[static_cast<std::size_t>(thread)].get(), add_to_keys,
              dk, dv);
  });
}

std::vector<double> attention_row_gradient_reference(std::span<const double> q, std::span<const double> k,
                                                     std::span<const double> v, std::span<const double> d_out,
                                                     double scale, std::span<double> dk, std::span<double> dv) {
  const std::size_t width = q.size();
  const std::size_t keys = k.size() / width;
  double log_sum_exp = 0;
  const std::vector<double> out = attention_row_reference(q, k, v, scale, &log_sum_exp);
  std::vector<double> dq(width);
  double delta = 0;
  for (std::size_t c = 0; c < width; ++c) delta += out[c] * d_out[c];
  for (std::size_t j = 0; j < keys; ++j) {
    double score = 0;
    double dp = 0;
    for (std::size_t c = 0; c < width; ++c) {
      score += q[c] * k[j * width + c];
      dp += d_out[c] * v[j * width + c];
    }
    const double p = std::exp(scale * score - log_sum_exp);
    const double ds = p * scale * (dp - delta);
    for (std::size_t c = 0; c < width; ++c) {
      dv[j * width + c] += p * d_out[c];
      dk[j * width + c] += ds * q[c];
      dq[c] += ds * k[j * width + c];
    }
  }
  return dq;
}

template class AttentionBackward<bf16>;
template class AttentionBackward<float>;

}  // namespace tome::ops
