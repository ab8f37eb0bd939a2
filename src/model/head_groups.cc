#include "model/head_groups.h"

#include "ops/attention_backward.h"

namespace tome {

template <typename T>
std::uint64_t head_group_bytes(const ops::AttentionShape& shape, std::size_t tokens) {
  const auto heads = static_cast<std::size_t>(shape.heads);
  const auto kv_heads = static_cast<std::size_t>(shape.kv_heads);
  const std::size_t width = tokens * static_cast<std::size_t>(shape.head_width);
  return ops::AttentionBackward<T>::bytes(shape, tokens) + width * heads * sizeof(T) +
         width * kv_heads * 2 * (sizeof(T) + sizeof(float));
}

template <typename T>
std::vector<HeadGroup> head_groups(const ops::AttentionShape& shape, std::size_t tokens, std::uint64_t bytes) {
  const auto kv_heads = static_cast<std::size_t>(shape.kv_heads);
  const auto per_kv = static_cast<std::size_t>(shape.group());
  const auto fits = [&](std::size_t kv_count, std::size_t count) {
    return head_group_bytes<T>(group_shape(shape, {0, kv_count, 0, count}), tokens) <= bytes;
  };
  std::size_t kv_count = kv_heads;
  while (kv_count > 1 && (kv_heads % kv_count != 0 || !fits(kv_count, kv_count * per_kv))) --kv_count;
  std::size_t count = kv_count * per_kv;
  if (kv_count == 1) {
    while (count > 1 && (per_kv % count != 0 || !fits(1, count))) --count;
  }
  std::vector<HeadGroup> groups;
  for (std::size_t first = 0; first < kv_heads * per_kv; first += count) {
    const std::size_t in_kv = first % per_kv;
    groups.push_back({first / per_kv, kv_count, first, count, in_kv == 0, kv_count > 1 || in_kv + count == per_kv});
  }
  return groups;
}

#define TOME_INSTANTIATE(T)                                                            \
  template std::uint64_t head_group_bytes<T>(const ops::AttentionShape&, std::size_t); \
  template std::vector<HeadGroup> head_groups<T>(const ops::AttentionShape&, std::size_t, std::uint64_t);
TOME_INSTANTIATE(bf16)
TOME_INSTANTIATE(float)
#undef TOME_INSTANTIATE

}  // namespace tome
