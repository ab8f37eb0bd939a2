// What one layer gives at either precision; its numbers against transformers are in logits_test.cc.
#include "model/decoder_layer.h"

#include <gmock/gmock.h>

#include "ops/kernels/kernels.h"
#include "tiny_models.h"

namespace tome {
namespace {

struct Projections {
  std::vector<float> q, k, v;
};

// Of the first layer, over the golden's input.
Projections projections(const Model& model, const std::vector<std::int32_t>& ids, Precision precision) {
  const ModelConfig& config = model.config();
  const std::size_t rows = ids.size();
  Threads threads(2);
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
  return {{q.begin(), q.end()}, {k.begin(), k.end()}, {v.begin(), v.end()}};
}

TEST(DecoderLayer, QueriesAndKeysAreExactBesideInt8) {
  for (const std::string name : {"llama", "gemma"}) {
    TinyModel model(name);
    const Golden golden(tiny_folder(name) / "golden.safetensors", "base/");
    const Projections exact = projections(*model, golden.ids, Precision::kExact);
    const Projections int8 = projections(*model, golden.ids, Precision::kInt8);
    EXPECT_EQ(int8.q, exact.q) << name;
    EXPECT_EQ(int8.k, exact.k) << name;
    if (ops::kernels().int8_linear) {
      EXPECT_NE(int8.v, exact.v) << name;
      EXPECT_LE(relative_l2(int8.v, exact.v), 0.05) << name;
    } else {
      EXPECT_EQ(int8.v, exact.v) << name << ": this CPU multiplies exactly throughout";
    }
  }
}

}  // namespace
}  // namespace tome
