// GGUF files with nothing but a small tokenizer, made by hand.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "formats/gguf_bytes.h"
#include "memory_file.h"
#include "text/tokenizer.h"

namespace tome {

using Strings = std::vector<std::string>;

/// A GGUF that has nothing but a tokenizer; each part can be changed or left out.
struct Vocabulary {
  std::string architecture = "llama";
  std::optional<std::string> model = "gpt2";
  std::optional<std::string> pre = "gpt-2";
  std::optional<Strings> tokens = Strings{"a", "b", "c", "ab", "abc", "<end>"};
  std::optional<std::vector<std::int32_t>> types = std::vector<std::int32_t>{1, 1, 1, 1, 1, 3};
  std::optional<std::vector<float>> scores = std::vector<float>{-9, -9, -9, 0, -1, 0};
  std::optional<Strings> merges = Strings{"a b", "ab c"};
  std::optional<bool> add_space_prefix;
  std::map<std::string, std::int32_t> ids = {{"bos", 5}, {"eos", 5}, {"unknown", 5}};

  std::string bytes() const;
};

inline void put_strings(GgufBytes& out, std::string_view key, const Strings& strings) {
  out.array(key, GgufType::kString, strings.size());
  for (const std::string& text : strings) out.string(text);
}

template <typename T>
void put_numbers(GgufBytes& out, std::string_view key, GgufType type, const std::vector<T>& numbers) {
  out.array(key, type, numbers.size());
  for (const T number : numbers) out.number(number);
}

inline std::string Vocabulary::bytes() const {
  const std::size_t keys = 1 + model.has_value() + pre.has_value() + tokens.has_value() + types.has_value() +
                           scores.has_value() + merges.has_value() + add_space_prefix.has_value() + ids.size();
  GgufBytes out;
  out.header(0, keys).key("general.architecture", GgufType::kString).string(architecture);
  if (model) out.key("tokenizer.ggml.model", GgufType::kString).string(*model);
  if (pre) out.key("tokenizer.ggml.pre", GgufType::kString).string(*pre);
  if (tokens) put_strings(out, "tokenizer.ggml.tokens", *tokens);
  if (types) put_numbers(out, "tokenizer.ggml.token_type", GgufType::kInt32, *types);
  if (scores) put_numbers(out, "tokenizer.ggml.scores", GgufType::kFloat32, *scores);
  if (merges) put_strings(out, "tokenizer.ggml.merges", *merges);
  if (add_space_prefix) out.key("tokenizer.ggml.add_space_prefix", GgufType::kBool).number(*add_space_prefix);
  for (const auto& [name, id] : ids) out.key(cat("tokenizer.ggml.", name, "_token_id"), GgufType::kInt32).number(id);
  return out.bytes;
}

/// The ids of `text` by the tokenizer of that GGUF.
inline std::vector<TokenId> encode_with(const Vocabulary& vocabulary, std::string_view text) {
  const MemoryFile file(vocabulary.bytes());
  const GgufFile gguf(file.path());
  return make_tokenizer(gguf)->encode(text).ids;
}

}  // namespace tome
