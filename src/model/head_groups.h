// Which heads attention's backward pass takes at once, so that its memory has a bound at any length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/attention.h"

namespace tome {

/// Query heads [first, first + count) and the kv heads that they read.
struct HeadGroup {
  std::size_t kv_first = 0, kv_count = 0;
  std::size_t first = 0, count = 0;
  bool begins_keys = true;  // the first group of its kv heads
  bool ends_keys = true;    // the last one
};

/// Bytes that one group of this shape takes for `tokens` rows of T: its queries, keys and values, and their gradients.
template <typename T>
std::uint64_t head_group_bytes(const ops::AttentionShape& shape, std::size_t tokens);

/// All heads in groups of one size, the largest that takes at most `bytes`: whole kv heads with their query heads, or
/// part of the query heads of one kv head, in the end a single head whatever it takes. Gradients do not depend on it.
template <typename T>
std::vector<HeadGroup> head_groups(const ops::AttentionShape& shape, std::size_t tokens, std::uint64_t bytes);

/// The shape of attention inside one group.
inline ops::AttentionShape group_shape(ops::AttentionShape shape, const HeadGroup& group) {
  shape.heads = static_cast<int>(group.count);
  shape.kv_heads = static_cast<int>(group.kv_count);
  return shape;
}

}  // namespace tome
