// For the tests of model: the tiny models of tests/golden/models, their logits, and a whole pass over their input.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "formats/files.h"
#include "formats/safetensors.h"
#include "model/decode.h"
#include "model/forward.h"
#include "model/head.h"
#include "model/model.h"

namespace tome {

inline std::filesystem::path tiny_folder(const std::string& name) {
  return std::filesystem::path(TOME_GOLDEN_DIR) / "models" / name;
}

inline nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

/// The model with another of its configs, in a folder of links that lasts as long as this.
class TinyModel {
 public:
  explicit TinyModel(const std::string& name, const std::string& config = "config.json") {
    for (const auto& entry : std::filesystem::directory_iterator(tiny_folder(name))) {
      const std::string file = entry.path().filename();
      if (file.starts_with("model")) std::filesystem::create_symlink(entry.path(), scratch_->path() / file);
    }
    std::filesystem::create_symlink(tiny_folder(name) / config, scratch_->path() / "config.json");
    model_ = std::make_unique<Model>(scratch_->path());
  }
  Model& operator*() { return *model_; }
  Model* operator->() { return model_.get(); }

 private:
  std::unique_ptr<Scratch> scratch_ = std::make_unique<Scratch>();
  std::unique_ptr<Model> model_;
};

/// Input and logits of one golden.safetensors.
struct Golden {
  explicit Golden(const std::filesystem::path& path, const std::string& prefix = "")
      : file(path),
        ids(numbers<std::int32_t>(file, "input_ids")),
        rows(numbers<std::int32_t>(file, "rows")),
        logits(numbers<float>(file, prefix + "logits")) {}

  SafetensorsFile file;
  std::vector<std::int32_t> ids, rows;
  std::vector<float> logits;
};

/// ||got - expected|| / ||expected||
inline double relative_l2(std::span<const float> got, std::span<const float> expected) {
  if (got.size() != expected.size()) return INFINITY;
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double d = static_cast<double>(got[i]) - static_cast<double>(expected[i]);
    difference += d * d;
    size += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
  }
  return std::sqrt(difference / size);
}

/// The last layer's output [ids][D].
template <typename T>
AlignedBuffer<T> hidden_states(const Model& model, Threads& threads, std::span<const std::int32_t> ids,
                               const ForwardOptions& options) {
  AlignedBuffer<T> x(ids.size() * model.config().width);
  embed<T>(model, ids, x.data());
  const auto positions = consecutive_positions(0, ids.size());
  const auto visible = causal_ranges(0, ids.size(), 0);
  const auto sliding = causal_ranges(0, ids.size(), model.config().sliding_window);
  KvSequence<T> kv(attention_shape(model.config()));
  ForwardPass<T> pass;
  pass.x = x.data();
  pass.positions = positions;
  pass.visible = visible;
  pass.visible_sliding = sliding;
  pass.kv = [&](std::size_t) -> KvSequence<T>& {
    kv.clear();
    return kv;
  };
  EXPECT_TRUE(forward<T>(model, threads, options, pass));
  return x;
}

inline ForwardOptions exact_options(std::size_t chunk_rows = 2048, std::span<const LayerAdapter> adapters = {}) {
  ForwardOptions options;
  options.precision = Precision::kExact;
  options.chunk_rows = chunk_rows;
  options.adapters = adapters;
  return options;
}

/// Logits of the golden's rows, by one pass over its input.
template <typename T>
std::vector<float> prefill_logits(const Model& model, const Golden& golden, const ForwardOptions& options) {
  Threads threads(2);
  const AlignedBuffer<T> x = hidden_states<T>(model, threads, golden.ids, options);
  std::vector<float> out;
  std::vector<float> row(model.config().vocabulary);
  for (const std::int32_t r : golden.rows) {
    logits<T>(model, threads, x.data() + static_cast<std::size_t>(r) * model.config().width, true, row);
    out.insert(out.end(), row.begin(), row.end());
  }
  return out;
}

/// The same, one token at a time.
template <typename T>
std::vector<float> decode_logits(const Model& model, const Golden& golden,
                                 std::span<const LayerAdapter> adapters = {}) {
  Threads threads(2);
  Decoder<T> decoder(model, threads, true, adapters);
  std::vector<KvSequence<T>> kv(model.config().layers, KvSequence<T>(attention_shape(model.config())));
  std::vector<float> out;
  std::vector<float> row(model.config().vocabulary);
  std::size_t next = 0;
  for (std::size_t t = 0; t < golden.ids.size(); ++t) {
    decoder.step(
        golden.ids[t], static_cast<std::int64_t>(t), [&](std::size_t layer) -> KvSequence<T>& { return kv[layer]; },
        row);
    if (next < golden.rows.size() && static_cast<std::size_t>(golden.rows[next]) == t) {
      out.insert(out.end(), row.begin(), row.end());
      ++next;
    }
  }
  return out;
}

}  // namespace tome
