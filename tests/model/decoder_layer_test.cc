// What one layer gives at either precision; its numbers against transformers are in logits_test.cc.
#include "model/decoder_layer.h"

#include <gmock/gmock.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/aligned.h"
#include "base/threads.h"
#include "ops/kernels/kernels.h"
#include "tiny_models.h"

namespace tome {
namespace {

struct Projections {
  std::vector<float> q, k, v;
};

// Of the first layer. `out`: its output, unless null.
Projections projections(const Model& model, const std::vector<std::int32_t>& ids, Precision precision,
                        int thread_count = 2, std::vector<float>* out = nullptr) {
  const ModelConfig& config = model.config();
  const std::size_t rows = ids.size();
  Threads threads(thread_count);
  DecoderLayer<bf16> layer(model, threads, rows);
  layer.pack(0, precision);
  AlignedBuffer<bf16> x(rows * config.width);
  embed<bf16>(model, ids, x.data());
  const std::size_t keys = config.kv_heads * config.head_width;
  std::vector<bf16> q(rows * config.heads * config.head_width), k(rows * keys), v(rows * keys);
  LayerTape<bf16> tape;
  tape.q = q.data();
  tape.k = k.data();
  tape.v = v.data();
  KvSequence<bf16> kv(attention_shape(config));
  const auto positions = consecutive_positions(0, rows);
  const auto visible = causal_ranges(0, rows, 0);
  layer.forward(x.data(), {positions, visible}, kv, tape);
  if (out != nullptr) *out = std::vector<float>(x.data(), x.data() + x.size());
  return {{q.begin(), q.end()}, {k.begin(), k.end()}, {v.begin(), v.end()}};
}

TEST(DecoderLayer, QueriesAndKeysAreExactBesideInt8) {
  if (!ops::kernels().int8_linear) GTEST_SKIP() << "this CPU level multiplies exactly throughout";
  for (const std::string name : {"llama", "gemma"}) {
    TinyModel model(name);
    const Golden golden(tiny_folder(name) / "golden.safetensors", "base/");
    const Projections exact = projections(*model, golden.ids, Precision::kExact);
    const Projections int8 = projections(*model, golden.ids, Precision::kInt8);
    EXPECT_EQ(int8.q, exact.q) << name;
    EXPECT_EQ(int8.k, exact.k) << name;
    EXPECT_NE(int8.v, exact.v) << name;
    EXPECT_LE(relative_l2(int8.v, exact.v), 0.05) << name;
  }
}

TEST(DecoderLayer, ThreadsAndTheirBlocksChangeNothing) {
  TinyModel model("llama");
  for (const std::size_t rows : {1u, 5u, 97u, 200u}) {
    std::vector<std::int32_t> ids(rows);
    for (std::size_t i = 0; i < rows; ++i) ids[i] = static_cast<std::int32_t>(i * 7 % model->config().vocabulary);
    std::vector<float> one, several;
    const Projections expected = projections(*model, ids, Precision::kInt8, 1, &one);
    for (const int threads : {2, 3}) {
      const Projections got = projections(*model, ids, Precision::kInt8, threads, &several);
      EXPECT_EQ(got.q, expected.q) << rows << " rows, " << threads << " threads";
      EXPECT_EQ(got.v, expected.v) << rows << " rows, " << threads << " threads";
      EXPECT_EQ(several, one) << rows << " rows, " << threads << " threads";
    }
  }
}

}  // namespace
}  // namespace tome
