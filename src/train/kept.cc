#include "train/kept.h"

#include "base/error.h"

namespace tome {

std::string_view to_string(Keep keep) {
  return keep == Keep::kInput ? "input" : keep == Keep::kAttention ? "attention" : "all";
}

Keep parse_keep(const std::string& name) {
  for (const Keep keep : {Keep::kInput, Keep::kAttention, Keep::kAll}) {
    if (name == to_string(keep)) return keep;
  }
  throw_user_error("--keep ", name, ": use input, attention or all");
}

template <typename T>
SlotShape<T>::SlotShape(const ModelConfig& c, std::size_t tokens, Keep keep) : keep_(keep) {
  const std::size_t heads = tokens * c.heads * c.head_width * sizeof(T);
  const std::size_t kv_heads = tokens * c.kv_heads * c.head_width * sizeof(T);
  const std::size_t feed_forward = tokens * c.feed_forward * sizeof(T);
  add(tokens * c.width * sizeof(T));
  if (keep == Keep::kInput) return;
  attention_ = add(heads);
  log_sum_exp_ = add(tokens * c.heads * sizeof(float));
  if (keep == Keep::kAttention) return;
  q_ = add(heads);
  k_ = add(kv_heads);
  v_ = add(kv_heads);
  hidden_ = add(tokens * c.width * sizeof(T));
  gate_ = add(feed_forward);
  up_ = add(feed_forward);
}

// The offset of the part; the next one begins with a cache line.
template <typename T>
std::size_t SlotShape<T>::add(std::size_t part_bytes) {
  const std::size_t at = bytes_;
  bytes_ += (part_bytes + 63) / 64 * 64;
  return at;
}

template <typename T>
LayerTape<T> SlotShape<T>::tape(std::byte* slot) const {
  LayerTape<T> tape;
  if (keep_ == Keep::kInput) return tape;
  const auto part = [&](std::size_t offset) { return reinterpret_cast<T*>(slot + offset); };
  tape.attention_output = part(attention_);
  tape.log_sum_exp = reinterpret_cast<float*>(slot + log_sum_exp_);
  if (keep_ == Keep::kAttention) return tape;
  tape.q = part(q_);
  tape.k = part(k_);
  tape.v = part(v_);
  tape.hidden = part(hidden_);
  tape.gate = part(gate_);
  tape.up = part(up_);
  return tape;
}

template class SlotShape<bf16>;
template class SlotShape<float>;

}  // namespace tome
