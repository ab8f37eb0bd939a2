#include "cli/bench_shape.h"

#include <unistd.h>

#include <cmath>
#include <random>

#include "base/error.h"
#include "formats/gguf_writer.h"

namespace tome::cli {
namespace {

using Shape = std::vector<std::size_t>;

void add_keys(GgufWriter& writer, const ModelConfig& c, std::size_t layers) {
  const auto number = [&](const char* key, std::size_t value) {
    writer.add(cat("llama.", key), static_cast<std::uint32_t>(value));
  };
  writer.add("general.architecture", std::string_view("llama"));
  const std::vector<std::string_view> tokens(c.vocabulary, "x");
  writer.add_array("tokenizer.ggml.tokens", std::span(tokens));
  number("block_count", layers);
  number("context_length", static_cast<std::size_t>(c.context_length));
  number("embedding_length", c.width);
  number("feed_forward_length", c.feed_forward);
  number("attention.head_count", c.heads);
  number("attention.head_count_kv", c.kv_heads);
  number("attention.key_length", c.head_width);
  number("attention.value_length", c.head_width);
  number("rope.dimension_count", c.head_width);
  writer.add("llama.attention.layer_norm_rms_epsilon", c.norm_epsilon);
  writer.add("llama.rope.freq_base", static_cast<float>(c.rope_theta));
}

std::vector<std::pair<std::string, Shape>> tensors_of(const ModelConfig& c, std::size_t layers) {
  const std::size_t q = c.heads * c.head_width;
  const std::size_t k = c.kv_heads * c.head_width;
  std::vector<std::pair<std::string, Shape>> all = {{"token_embd.weight", {c.vocabulary, c.width}},
                                                    {"output_norm.weight", {c.width}}};
  for (std::size_t layer = 0; layer < layers; ++layer) {
    const auto add = [&](const char* name, Shape shape) {
      all.emplace_back(cat("blk.", layer, ".", name, ".weight"), std::move(shape));
    };
    add("attn_norm", {c.width});
    add("ffn_norm", {c.width});
    add("attn_q", {q, c.width});
    add("attn_k", {k, c.width});
    add("attn_v", {k, c.width});
    add("attn_output", {c.width, q});
    add("ffn_gate", {c.feed_forward, c.width});
    add("ffn_up", {c.feed_forward, c.width});
    add("ffn_down", {c.width, c.feed_forward});
  }
  return all;
}

// One row of random numbers again and again, each time begun elsewhere: quantising all of them would take minutes.
void write_matrix(GgufWriter& writer, const std::string& name, const Shape& shape) {
  constexpr std::size_t kPool = 1 << 20;
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, 0.5f / std::sqrt(static_cast<float>(shape[1])));
  std::vector<float> values(kPool);
  for (float& v : values) v = normal(random);
  std::vector<std::byte> pool(byte_size(TensorType::kQ4_0, kPool));
  quantize(TensorType::kQ4_0, values, pool);
  const std::size_t row_bytes = byte_size(TensorType::kQ4_0, shape[1]);
  const std::size_t block = byte_size(TensorType::kQ4_0, 32);
  TOME_CHECK(row_bytes < pool.size());
  for (std::size_t row = 0; row < shape[0]; ++row) {
    const std::size_t at = random() % ((pool.size() - row_bytes) / block) * block;
    writer.write(name, std::span(pool).subspan(at, row_bytes));
  }
}

}  // namespace

std::unique_ptr<Model> random_model(const ModelConfig& shape, std::size_t layers, const std::filesystem::path& folder) {
  if (shape.family != Family::kLlama)
    throw_user_error("--shape ", shape.name, ": only Llama shapes can be made up; use --model");
  const auto path = folder / cat("tome-bench-", ::getpid(), ".gguf");
  GgufWriter writer(path);
  add_keys(writer, shape, layers);
  const auto tensors = tensors_of(shape, layers);
  for (const auto& [name, extents] : tensors) {
    writer.add_tensor(name, extents.size() == 1 ? TensorType::kF32 : TensorType::kQ4_0, extents);
  }
  for (const auto& [name, extents] : tensors) {
    if (extents.size() > 1) {
      write_matrix(writer, name, extents);
    } else {
      const std::vector<float> ones(extents[0], 1.0f);
      writer.write(name, std::as_bytes(std::span(ones)));
    }
  }
  writer.finish();
  struct Unlink {
    std::filesystem::path path;
    ~Unlink() { ::unlink(path.c_str()); }
  } const unlink{path};
  return std::make_unique<Model>(path);
}

}  // namespace tome::cli
