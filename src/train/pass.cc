#include "train/pass.h"

#include <algorithm>

#include "base/error.h"
#include "model/head.h"

namespace tome {
namespace {

// What one layer leaves for the backward pass.
template <typename T>
struct Kept {
  AlignedBuffer<T> input;            // [T][D]
  AlignedBuffer<T> attention;        // [T][H*C], or empty
  AlignedBuffer<float> log_sum_exp;  // [T][H], or empty

  LayerTape<T> tape() { return {attention.data(), log_sum_exp.data()}; }
};

template <typename T>
class Pass {
 public:
  Pass(const Model& model, Threads& threads, const TrainingExample& example, std::span<const LayerAdapter> adapters,
       const PassOptions& options)
      : model_(model),
        config_(model.config()),
        threads_(threads),
        example_(example),
        adapters_(adapters),
        options_(options),
        kept_(config_.layers),
        x_(example.ids.size() * config_.width) {
    for (std::size_t row = 0; row < example.ids.size(); ++row) {
      if (example.targets[row] != kNoTarget) target_rows_.push_back(static_cast<std::uint32_t>(row));
    }
    if (target_rows_.empty())
      throw_user_error(example.name, ": no token of it is a target; nothing can be learnt from it");
    if (config_.sliding_window > 0) {
      for (const ops::KeyRange& range : example.visible)
        sliding_.push_back(ops::last_keys(range, config_.sliding_window));
    }
  }

  PassResult run(std::span<const LayerGradient> gradients, float* final_norm) {
    forward_layers();
    const PassResult result = head(final_norm);
    LayerBackward<T> backward(model_, threads_, tokens());
    for (std::size_t layer = config_.layers; layer-- > 0;) backward_layer(backward, layer, gradients[layer]);
    return result;
  }

 private:
  std::size_t tokens() const { return example_.ids.size(); }
  bool last(std::size_t layer) const { return layer + 1 == config_.layers; }
  std::span<const ops::KeyRange> visible(std::size_t layer) const {
    return config_.is_sliding(layer) ? std::span<const ops::KeyRange>(sliding_) : example_.visible;
  }

  void forward_layers() {
    embed_text<T>(model_, example_.ids, x_.data());
    keep_input(0);
    KvSequence<T> kv(attention_shape(config_));
    ForwardOptions options;
    options.precision = Precision::kExact;
    options.chunk_rows = options_.chunk_rows;
    options.adapters = adapters_;
    ForwardPass<T> pass;
    pass.x = x_.data();
    pass.positions = example_.positions;
    pass.visible = example_.visible;
    pass.visible_sliding = sliding_;
    pass.first_output = target_rows_.front();
    pass.kv = [&](std::size_t) -> KvSequence<T>& {
      kv.clear();
      return kv;
    };
    pass.tape = [&](std::size_t layer) { return kept_[layer].tape(); };
    pass.after_layer = [&](std::size_t layer) {
      if (!last(layer)) keep_input(layer + 1);
      return true;
    };
    forward<T>(model_, threads_, options, pass);
  }

  // x_ is the input of `layer`; makes room for what its attention gives, too.
  void keep_input(std::size_t layer) {
    Kept<T>& kept = kept_[layer];
    kept.input = AlignedBuffer<T>(x_.size());
    std::copy_n(x_.data(), x_.size(), kept.input.data());
    if (options_.keep != Keep::kAttention || last(layer)) return;
    kept.attention = AlignedBuffer<T>(tokens() * config_.heads * config_.head_width);
    kept.log_sum_exp = AlignedBuffer<float>(tokens() * config_.heads);
  }

  // Loss and, in d_targets_, the gradient of the last layer's output at the target rows.
  PassResult head(float* final_norm) {
    const std::size_t d = config_.width;
    AlignedBuffer<T> rows(target_rows_.size() * d);
    std::vector<std::int32_t> targets;
    for (std::size_t i = 0; i < target_rows_.size(); ++i) {
      std::copy_n(x_.data() + target_rows_[i] * d, d, rows.data() + i * d);
      targets.push_back(example_.targets[target_rows_[i]]);
    }
    d_targets_ = AlignedBuffer<T>(rows.size());
    const double loss =
        loss_gradient<T>(model_, threads_, rows.data(), targets, options_.scale, d_targets_.data(), final_norm);
    return {loss, targets.size()};
  }

  // x_ holds d, the gradient of the layer's output, and then of its input.
  void backward_layer(LayerBackward<T>& backward, std::size_t layer, const LayerGradient& gradient) {
    Kept<T>& kept = kept_[layer];
    LayerBackwardInput<T> input;
    input.x = kept.input.data();
    input.positions = example_.positions;
    input.visible = visible(layer);
    input.tape = kept.tape();
    if (last(layer)) input.queries = target_rows_;
    backward.run(layer, adapters_.empty() ? nullptr : &adapters_[layer], input,
                 last(layer) ? d_targets_.data() : x_.data(), x_.data(), gradient);
    kept = {};
  }

  const Model& model_;
  const ModelConfig& config_;
  Threads& threads_;
  const TrainingExample& example_;
  std::span<const LayerAdapter> adapters_;
  const PassOptions& options_;
  std::vector<Kept<T>> kept_;
  AlignedBuffer<T> x_;
  AlignedBuffer<T> d_targets_;
  std::vector<std::uint32_t> target_rows_;
  std::vector<ops::KeyRange> sliding_;
};

}  // namespace

template <typename T>
PassResult training_pass(const Model& model, Threads& threads, const TrainingExample& example,
                         std::span<const LayerAdapter> adapters, std::span<const LayerGradient> gradients,
                         const PassOptions& options, float* final_norm) {
  TOME_CHECK(gradients.size() == model.config().layers && example.targets.size() == example.ids.size() &&
             example.positions.size() == example.ids.size() && example.visible.size() == example.ids.size());
  return Pass<T>(model, threads, example, adapters, options).run(gradients, final_norm);
}

#define TOME_INSTANTIATE(T)                                                                                           \
  template PassResult training_pass<T>(const Model&, Threads&, const TrainingExample&, std::span<const LayerAdapter>, \
                                       std::span<const LayerGradient>, const PassOptions&, float*);
TOME_INSTANTIATE(bf16)
TOME_INSTANTIATE(float)
#undef TOME_INSTANTIATE

}  // namespace tome
