#include "model/config_tensors.h"

#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "formats/printable.h"
#include "model/config_limits.h"

namespace tome {
namespace {

using Shape = std::vector<std::size_t>;

constexpr const char* kEmbedding = "token_embd.weight";
constexpr const char* kTokens = "tokenizer.ggml.tokens";
constexpr const char* kRopeFactors = "rope_freqs.weight";

std::string path_of(const GgufFile& gguf) { return gguf.file().path().string(); }

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (const std::size_t extent : shape) text += cat(text.size() > 1 ? ", " : "", extent);
  return text + "]";
}

/// Name after "blk.N." and shape of each tensor of a layer.
std::vector<std::pair<std::string, Shape>> layer_tensors(const ModelConfig& c) {
  const std::size_t queries = c.heads * c.head_width, keys = c.kv_heads * c.head_width;
  std::vector<std::pair<std::string, Shape>> tensors = {
      {"attn_norm", {c.width}},
      {"attn_q", {queries, c.width}},
      {"attn_k", {keys, c.width}},
      {"attn_v", {keys, c.width}},
      {"attn_output", {c.width, queries}},
      {"ffn_norm", {c.width}},
      {"ffn_gate", {c.feed_forward, c.width}},
      {"ffn_up", {c.feed_forward, c.width}},
      {"ffn_down", {c.width, c.feed_forward}},
  };
  if (c.family == Family::kGemma3) {
    tensors.insert(tensors.end(), {{"attn_q_norm", {c.head_width}},
                                   {"attn_k_norm", {c.head_width}},
                                   {"post_attention_norm", {c.width}},
                                   {"post_ffw_norm", {c.width}}});
  }
  return tensors;
}

std::map<std::string, Shape> expected_tensors(const ModelConfig& c) {
  std::map<std::string, Shape> expected = {{kEmbedding, {c.vocabulary, c.width}}, {"output_norm.weight", {c.width}}};
  if (!c.tied_output) expected["output.weight"] = {c.vocabulary, c.width};
  if (!c.rope_scaling.frequency_factors.empty()) expected[kRopeFactors] = {c.head_width / 2};
  const auto of_layer = layer_tensors(c);
  for (std::size_t layer = 0; layer < c.layers; ++layer) {
    for (const auto& [name, shape] : of_layer) expected[cat("blk.", layer, ".", name, ".weight")] = shape;
  }
  return expected;
}

}  // namespace

std::size_t vocabulary_of(const GgufFile& gguf) {
  const TensorView* embedding = gguf.find_tensor(kEmbedding);
  if (embedding == nullptr)
    throw_user_error(path_of(gguf), ": tensor '", kEmbedding, "' is missing; is the file whole?");
  const auto& shape = embedding->shape;
  if (shape.size() != 2 || !kVocabularyLimits.contain(static_cast<std::int64_t>(shape[0]))) {
    throw_user_error(path_of(gguf), ": tensor '", kEmbedding, "': got shape ", to_string(shape),
                     ", expected [vocabulary, width] with at most ", kVocabularyLimits.highest, " tokens");
  }
  const auto tokens = gguf.metadata().find(kTokens);
  const auto* pieces =
      tokens == gguf.metadata().end() ? nullptr : std::get_if<std::vector<std::string_view>>(&tokens->second);
  if (pieces != nullptr && pieces->size() != shape[0]) {
    throw_user_error(path_of(gguf), ": metadata key '", kTokens, "': got ", pieces->size(), " tokens, expected ",
                     shape[0], " as in the shape of tensor '", kEmbedding, "'");
  }
  return shape[0];
}

std::vector<float> rope_factors_of(const GgufFile& gguf, std::size_t head_width) {
  const TensorView* tensor = gguf.find_tensor(kRopeFactors);
  if (tensor == nullptr) return {};
  if (tensor->type != TensorType::kF32 || tensor->shape != Shape{head_width / 2}) {
    throw_user_error(path_of(gguf), ": tensor '", kRopeFactors, "': got shape ", to_string(tensor->shape),
                     ", expected F32 of shape [", head_width / 2, "]");
  }
  std::vector<float> factors(head_width / 2);
  std::memcpy(factors.data(), tensor->data.data(), factors.size() * sizeof(float));
  for (const float factor : factors) {
    if (!kRopeDivisorLimits.contain(static_cast<double>(factor))) {
      throw_user_error(path_of(gguf), ": tensor '", kRopeFactors, "': got a factor of ", factor, ", expected ",
                       kRopeDivisorLimits.lowest, " to ", kRopeDivisorLimits.highest);
    }
  }
  return factors;
}

void check_tensors(const GgufFile& gguf, const ModelConfig& config) {
  const auto expected = expected_tensors(config);
  for (const TensorView& tensor : gguf.tensors()) {
    const auto found = expected.find(tensor.name);
    if (found == expected.end()) {
      throw_user_error(path_of(gguf), ": tensor ", in_quotes(tensor.name), " of shape ", to_string(tensor.shape),
                       " is used by nothing that tome computes; use another conversion of the model");
    }
    if (tensor.shape != found->second) {
      throw_user_error(path_of(gguf), ": tensor ", in_quotes(tensor.name), ": got shape ", to_string(tensor.shape),
                       ", expected ", to_string(found->second));
    }
  }
  for (const auto& [name, shape] : expected) {
    if (gguf.find_tensor(name) == nullptr) {
      throw_user_error(path_of(gguf), ": tensor '", name, "' of shape ", to_string(shape),
                       " is missing; is the file whole?");
    }
  }
}

}  // namespace tome
