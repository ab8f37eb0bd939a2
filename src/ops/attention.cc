#include "ops/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>

#include "base/error.h"
#include "ops/kernels/kernels.h"

namespace tome::ops {
namespace {

// A run of query tokens of one kv head against a run of blocks.
struct Task {
  int kv_head;
  std::size_t first_token;
  int tokens;
  std::size_t first_block, block_count;
  std::size_t part, parts;  // which share of the keys this is
};

struct Free64 {
  void operator()(void* p) const { ::operator delete (p, std::align_val_t{64}); }
};
using Scratch = std::unique_ptr<void, Free64>;

// Each thread keeps its scratch: decoding calls this thirty times a token, and large blocks cost a mapping each.
void* thread_scratch() {
  thread_local const Scratch memory(::operator new (kernels().attention_scratch_bytes(), std::align_val_t{64}));
  return memory.get();
}

// The blocks that hold any key of `range`, as [first, first + count).
void visible_blocks(std::span<const KvBlock> blocks, KeyRange range, std::size_t* first, std::size_t* count) {
  const auto ends_before = [](const KvBlock& block, std::int64_t index) { return block.first + block.count <= index; };
  const auto begin = std::lower_bound(blocks.begin(), blocks.end(), range.begin, ends_before);
  const auto end = std::lower_bound(begin, blocks.end(), range.end,
                                    [](const KvBlock& block, std::int64_t index) { return block.first < index; });
  *first = static_cast<std::size_t>(begin - blocks.begin());
  *count = static_cast<std::size_t>(end - begin);
}

constexpr std::size_t kLeastBlocksPerPart = 4;

// Shares of the keys that so many units of work are split into, so that every thread gets as many.
std::size_t parts_of_keys(std::size_t units, int thread_count) {
  const auto threads = static_cast<std::size_t>(thread_count);
  if (threads == 1 || units >= 4 * threads) return 1;
  std::size_t parts = (threads + units - 1) / units;
  while (units * parts % threads != 0) ++parts;
  return parts;
}

std::vector<Task> make_tasks(const AttentionShape& shape, std::span<const KeyRange> visible,
                             std::span<const KvBlock> blocks, int threads) {
  const int tile_tokens = std::max(1, kAttentionRows / shape.group());
  const std::size_t tiles =
      (visible.size() + static_cast<std::size_t>(tile_tokens) - 1) / static_cast<std::size_t>(tile_tokens);
  const std::size_t parts = parts_of_keys(tiles * static_cast<std::size_t>(shape.kv_heads), threads);
  std::vector<Task> tasks;
  for (std::size_t tile = tiles; tile-- > 0;) {  // the last tiles see the most keys: first, so that the end is even
    const std::size_t first = tile * static_cast<std::size_t>(tile_tokens);
    const std::size_t count = std::min<std::size_t>(static_cast<std::size_t>(tile_tokens), visible.size() - first);
    KeyRange range = visible[first];
    for (std::size_t t = first; t < first + count; ++t) {
      range.begin = std::min(range.begin, visible[t].begin);
      range.end = std::max(range.end, visible[t].end);
    }
    std::size_t first_block = 0;
    std::size_t block_count = 0;
    visible_blocks(blocks, range, &first_block, &block_count);
    const std::size_t shares = std::clamp<std::size_t>(block_count / kLeastBlocksPerPart, 1, parts);
    for (int head = 0; head < shape.kv_heads; ++head) {
      for (std::size_t part = 0; part < shares; ++part) {
        const std::size_t from = block_count * part / shares;
        const std::size_t to = block_count * (part + 1) / shares;
        tasks.push_back({head, first, static_cast<int>(count), first_block + from, to - from, part, shares});
      }
    }
  }
  return tasks;
}

// Results of one task: sums [rows][Cp], peak [rows], weight [rows]. Kernels take rows sixteen at a time: there is
// memory for sums of that many.
struct Partial {
  std::vector<float> sums, peak, weight;
  void resize(std::size_t rows, std::size_t padded) {
    sums.resize((rows + 15) / 16 * 16 * padded);
    peak.resize(rows);
    weight.resize(rows);
  }
};

// Joins the shares of one tile into the first, weighing each by its peak.
void merge(std::span<Partial> parts, std::size_t rows, std::size_t padded) {
  Partial& to = parts[0];
  for (std::size_t r = 0; r < rows; ++r) {
    float peak = parts[0].peak[r];
    for (const Partial& part : parts) peak = std::max(peak, part.peak[r]);
    float weight = 0;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      const float factor = std::exp2(parts[p].peak[r] - peak);
      weight += parts[p].weight[r] * factor;
      const float* from = parts[p].sums.data() + r * padded;
      float* sums = to.sums.data() + r * padded;
      for (std::size_t c = 0; c < padded; ++c) sums[c] = (p == 0 ? 0.0f : sums[c]) + from[c] * factor;
    }
    to.peak[r] = peak;
    to.weight[r] = weight;
  }
}

template <typename T>
void write_rows(const AttentionShape& shape, const Task& task, const Partial& result, T* out, float* log_sum_exp) {
  const int group = shape.group();
  const auto padded = static_cast<std::size_t>(shape.padded_width());
  const auto width = static_cast<std::size_t>(shape.head_width);
  const auto& rows = kernels().rows<T>();
  float scaled[kMaxHeadWidth];
  for (int token = 0; token < task.tokens; ++token) {
    for (int g = 0; g < group; ++g) {
      const auto row = static_cast<std::size_t>(token * group + g);
      const auto head = static_cast<std::size_t>(task.kv_head * group + g);
      const std::size_t index = task.first_token + static_cast<std::size_t>(token);
      const float inverse = 1.0f / result.weight[row];
      for (std::size_t c = 0; c < width; ++c) scaled[c] = result.sums[row * padded + c] * inverse;
      rows.from_float(scaled, out + (index * static_cast<std::size_t>(shape.heads) + head) * width, width);
      if (log_sum_exp != nullptr) {
        log_sum_exp[index * static_cast<std::size_t>(shape.heads) + head] =
            (result.peak[row] + std::log2(result.weight[row])) * 0.6931471806f;
      }
    }
  }
}

}  // namespace

template <typename T>
void pack_kv(const AttentionShape& shape, const T* k, const T* v, std::ptrdiff_t stride, int rows, int at,
             std::uint32_t* k_block, std::uint32_t* v_block) {
  constexpr std::ptrdiff_t kP = kPack<T>;
  const std::ptrdiff_t width = shape.head_width;
  const std::ptrdiff_t padded = shape.padded_width();
  const std::ptrdiff_t head_numbers = padded * kKvBlock;
  for (int r = 0; r < rows; ++r) {
    const std::ptrdiff_t j = at + r;
    for (int h = 0; h < shape.kv_heads; ++h) {
      T* k_out = reinterpret_cast<T*>(k_block) + h * head_numbers + j * kP;
      T* v_out = reinterpret_cast<T*>(v_block) + h * head_numbers + j / kP * padded * kP + j % kP;
      const T* k_in = k + r * stride + h * width;
      const T* v_in = v + r * stride + h * width;
      for (std::ptrdiff_t c = 0; c < width; ++c) k_out[c / kP * kKvBlock * kP + c % kP] = k_in[c];
      for (std::ptrdiff_t c = 0; c < width; ++c) v_out[c * kP] = v_in[c];
    }
  }
}

template <typename T>
void copy_kv(const AttentionShape& shape, int count, const std::uint32_t* k_from, const std::uint32_t* v_from,
             std::uint32_t* k_to, std::uint32_t* v_to) {
  constexpr std::size_t kP = kPack<T>;
  const std::size_t words = kv_block_words<T>(shape);
  std::memset(k_to, 0, words * 4);
  std::memset(v_to, 0, words * 4);
  const auto tokens = static_cast<std::size_t>(count);
  for (std::size_t row = 0; row < words / kKvBlock; ++row) {  // a row of k: one word column, all keys
    std::memcpy(k_to + row * kKvBlock, k_from + row * kKvBlock, tokens * 4);
  }
  const std::size_t padded = static_cast<std::size_t>(shape.padded_width());
  for (std::size_t h = 0; h < static_cast<std::size_t>(shape.kv_heads); ++h) {
    const std::size_t head = h * padded * kKvBlock / kP;
    std::memcpy(v_to + head, v_from + head, tokens / kP * padded * 4);
    if (tokens % kP != 0) {
      const std::uint32_t* from = v_from + head + tokens / kP * padded;
      std::uint32_t* to = v_to + head + tokens / kP * padded;
      for (std::size_t c = 0; c < padded; ++c) to[c] = from[c] & 0xffffu;
    }
  }
}

template <typename T>
void attention_forward(Threads& threads, const AttentionShape& shape, const T* q, std::span<const KeyRange> visible,
                       std::span<const KvBlock> blocks, T* out, float* log_sum_exp) {
  TOME_CHECK(shape.head_width <= kMaxHeadWidth && shape.group() <= kAttentionRows && shape.head_width % 2 == 0);
  const Kernels& table = kernels();
  const std::vector<Task> tasks = make_tasks(shape, visible, blocks, threads.count());
  const auto padded = static_cast<std::size_t>(shape.padded_width());
  const std::size_t head_words = kv_block_words<T>(shape) / static_cast<std::size_t>(shape.kv_heads);
  std::vector<Partial> own(static_cast<std::size_t>(threads.count()));
  std::vector<Partial> shared;
  if (std::any_of(tasks.begin(), tasks.end(), [](const Task& task) { return task.parts > 1; }))
    shared.resize(tasks.size());

  threads.for_each(tasks.size(), [&](std::size_t index, int thread) {
    const Task& task = tasks[index];
    const std::size_t rows = static_cast<std::size_t>(task.tokens * shape.group());
    Partial& result = task.parts > 1 ? shared[index] : own[static_cast<std::size_t>(thread)];
    result.resize(rows, padded);
    const auto token_stride = static_cast<std::ptrdiff_t>(shape.heads) * shape.head_width;
    const T* first = q + static_cast<std::ptrdiff_t>(task.first_token) * token_stride +
                     static_cast<std::ptrdiff_t>(task.kv_head * shape.group()) * shape.head_width;
    table.rows<T>().attention_tile(
        {first, token_stride, task.tokens, shape.group(), shape.head_width, visible.data() + task.first_token,
         shape.scale, blocks.data() + task.first_block, task.block_count, head_words, int8_key_words(shape),
         task.kv_head, result.sums.data(), result.peak.data(), result.weight.data()},
        thread_scratch());
    if (task.parts == 1) write_rows(shape, task, result, out, log_sum_exp);
  });
  if (shared.empty()) return;
  for (std::size_t index = 0; index < tasks.size(); index += tasks[index].parts) {
    const Task& task = tasks[index];
    if (task.parts == 1) continue;
    merge({shared.data() + index, task.parts}, static_cast<std::size_t>(task.tokens * shape.group()), padded);
    write_rows(shape, task, shared[index], out, log_sum_exp);
  }
}

namespace {

template <typename Convert>
void for_each_plane(KvType type, const AttentionShape& shape, const Convert& convert) {
  const auto heads = static_cast<std::size_t>(shape.kv_heads);
  const std::size_t native = kv_block_words<bf16>(shape) / heads;
  const std::size_t quantised = kv_plane_words(type, native);
  for (std::size_t plane = 0; plane < 2 * heads; ++plane) convert(plane * native, plane * quantised, native);
}

}  // namespace

std::string_view to_string(KvType type) { return type == KvType::kQ8 ? "q8" : type == KvType::kQ4 ? "q4" : "bf16"; }

void quantize_kv(KvType type, const AttentionShape& shape, const std::uint32_t* from, std::uint32_t* to) {
  for_each_plane(type, shape, [&](std::size_t native, std::size_t quantised, std::size_t words) {
    kernels().kv_quantize(type, from + native, words, to + quantised);
  });
}

void unpack_kv(KvType type, const AttentionShape& shape, const std::uint32_t* from, std::uint32_t* to) {
  for_each_plane(type, shape, [&](std::size_t native, std::size_t quantised, std::size_t words) {
    kernels().kv_unpack(type, from + quantised, words, to + native);
  });
}

bool has_int8_scores() { return kernels().quantize_keys != nullptr; }

void quantize_keys(const AttentionShape& shape, const std::uint32_t* k_block, std::uint32_t* planes) {
  const std::size_t native = kv_block_words<bf16>(shape) / static_cast<std::size_t>(shape.kv_heads);
  for (std::size_t head = 0; head < static_cast<std::size_t>(shape.kv_heads); ++head) {
    kernels().quantize_keys(k_block + head * native, shape.padded_width(), planes + head * int8_key_words(shape));
  }
}

std::vector<double> attention_row_reference(std::span<const double> q, std::span<const double> k,
                                            std::span<const double> v, double scale, double* log_sum_exp) {
  const std::size_t width = q.size();
  const std::size_t keys = k.size() / width;
  std::vector<double> scores(keys);
  double peak = -INFINITY;
  for (std::size_t j = 0; j < keys; ++j) {
    for (std::size_t c = 0; c < width; ++c) scores[j] += q[c] * k[j * width + c];
    scores[j] *= scale;
    peak = std::max(peak, scores[j]);
  }
  double total = 0;
  for (const double s : scores) total += std::exp(s - peak);
  std::vector<double> out(width);
  for (std::size_t j = 0; j < keys; ++j) {
    for (std::size_t c = 0; c < width; ++c) out[c] += std::exp(scores[j] - peak) / total * v[j * width + c];
  }
  if (log_sum_exp != nullptr) *log_sum_exp = peak + std::log(total);
  return out;
}

#define TOME_INSTANTIATE(T)                                                                                        \
  template void pack_kv<T>(const AttentionShape&, const T*, const T*, std::ptrdiff_t, int, int, std::uint32_t*,    \
                           std::uint32_t*);                                                                        \
  template void copy_kv<T>(const AttentionShape&, int, const std::uint32_t*, const std::uint32_t*, std::uint32_t*, \
                           std::uint32_t*);                                                                        \
  template void attention_forward<T>(Threads&, const AttentionShape&, const T*, std::span<const KeyRange>,         \
                                     std::span<const KvBlock>, T*, float*);
TOME_INSTANTIATE(bf16)
TOME_INSTANTIATE(float)
#undef TOME_INSTANTIATE

}  // namespace tome::ops
