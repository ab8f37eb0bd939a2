#include "read/text_losses.h"

#include "base/error.h"
#include "model/head.h"

namespace tome {
namespace {

template <typename T>
std::vector<double> losses(const Model& model, Threads& threads, const LossOptions& choice,
                           std::span<const TokenId> ids) {
  const std::size_t rows = ids.size() - 1;  // the last token is only a target
  AlignedBuffer<T> x(rows * model.config().width);
  embed<T>(model, ids.first(rows), x.data());
  const auto positions = consecutive_positions(0, rows);
  const auto visible = causal_ranges(0, rows, 0);
  const auto sliding = causal_ranges(0, rows, model.config().sliding_window);
  auto kv = pass_kv<T>(model.config(), choice.precision, choice.kv);
  ForwardPass<T> pass;
  pass.x = x.data();
  pass.positions = positions;
  pass.visible = visible;
  pass.visible_sliding = sliding;
  pass.kv = [&](std::size_t) -> KvSequence<T>& {
    kv.clear();
    return kv;
  };
  ForwardOptions options;
  options.precision = choice.precision;
  options.adapters = choice.adapters;
  forward<T>(model, threads, options, pass);
  std::vector<double> result(rows);
  token_losses<T>(model, threads, x.data(), ids.subspan(1), Precision::kExact, result);
  return result;
}

}  // namespace

std::vector<double> text_losses(const Model& model, Threads& threads, const LossOptions& options,
                                std::span<const TokenId> ids) {
  TOME_CHECK(ids.size() >= 2 && (!options.float32 || options.kv == ops::KvType::kNative));
  return options.float32 ? losses<float>(model, threads, options, ids) : losses<bf16>(model, threads, options, ids);
}

}  // namespace tome
