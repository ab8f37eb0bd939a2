#include "train/pass.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "base/error.h"
#include "model/head.h"
#include "train/spill_file.h"

namespace tome {
namespace {

// Where the parts of a layer lie in its slot of the store.
template <typename T>
struct SlotShape {
  std::size_t input, attention, log_sum_exp;  // bytes

  SlotShape(const ModelConfig& c, std::size_t tokens, Keep keep)
      : input(tokens * c.width * sizeof(T)),
        attention(keep == Keep::kAttention ? tokens * c.heads * c.head_width * sizeof(T) : 0),
        log_sum_exp(keep == Keep::kAttention ? tokens * c.heads * sizeof(float) : 0) {}
  std::size_t bytes() const { return input + attention + log_sum_exp; }
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
        shape_(config_, example.ids.size(), options.keep),
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
    store_.emplace(config_.layers, shape_.bytes(), options_.activation_bytes, options_.spill_folder, false);
    if (options_.keep == Keep::kAttention) {
      attention_ = AlignedBuffer<T>(shape_.attention / sizeof(T));
      log_sum_exp_ = AlignedBuffer<float>(shape_.log_sum_exp / sizeof(float));
    }
    forward_layers();
    input_ = AlignedBuffer<T>(x_.size());
    PassResult result = head(final_norm);
    result.spill_bytes = store_->spill_bytes();
    LayerBackward<T> backward(model_, threads_, tokens());
    for (std::size_t layer = config_.layers; layer-- > 0;) backward_layer(backward, layer, gradients[layer]);
    return result;
  }

  PassResult loss() {
    forward_layers();
    const auto [rows, targets] = target_rows();
    std::vector<double> losses(targets.size());
    token_losses<T>(model_, threads_, rows.data(), targets, Precision::kExact, losses);
    return {std::accumulate(losses.begin(), losses.end(), 0.0), targets.size(), 0};
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
    pass.tape = [&](std::size_t layer) { return last(layer) ? LayerTape<T>{} : tape(); };
    pass.after_layer = [&](std::size_t layer) {
      if (!store_ || last(layer)) return true;
      if (options_.keep == Keep::kAttention) {
        store_->write(layer, shape_.input, std::as_bytes(attention_.span()));
        store_->write(layer, shape_.input + shape_.attention, std::as_bytes(log_sum_exp_.span()));
      }
      keep_input(layer + 1);
      return true;
    };
    forward<T>(model_, threads_, options, pass);
  }

  LayerTape<T> tape() { return {attention_.data(), log_sum_exp_.data()}; }

  // x_ is the input of `layer`.
  void keep_input(std::size_t layer) {
    if (store_) store_->write(layer, 0, std::as_bytes(x_.span()));
  }

  // The last layer's output where a target is to be predicted, and the targets.
  std::pair<AlignedBuffer<T>, std::vector<std::int32_t>> target_rows() const {
    const std::size_t d = config_.width;
    std::pair<AlignedBuffer<T>, std::vector<std::int32_t>> out;
    out.first = AlignedBuffer<T>(target_rows_.size() * d);
    for (std::size_t i = 0; i < target_rows_.size(); ++i) {
      std::copy_n(x_.data() + target_rows_[i] * d, d, out.first.data() + i * d);
      out.second.push_back(example_.targets[target_rows_[i]]);
    }
    return out;
  }

  // Loss and, in d_targets_, the gradient of the last layer's output at the target rows.
  PassResult head(float* final_norm) {
    const auto [rows, targets] = target_rows();
    d_targets_ = AlignedBuffer<T>(rows.size());
    const double loss =
        loss_gradient<T>(model_, threads_, rows.data(), targets, options_.scale, d_targets_.data(), final_norm);
    return {loss, targets.size(), 0};
  }

  // x_ holds d, the gradient of the layer's output, and then of its input.
  void backward_layer(LayerBackward<T>& backward, std::size_t layer, const LayerGradient& gradient) {
    store_->read(layer, 0, std::as_writable_bytes(input_.span()));
    LayerBackwardInput<T> input;
    input.x = input_.data();
    input.positions = example_.positions;
    input.visible = visible(layer);
    if (last(layer)) {
      input.queries = target_rows_;
    } else if (options_.keep == Keep::kAttention) {
      store_->read(layer, shape_.input, std::as_writable_bytes(attention_.span()));
      store_->read(layer, shape_.input + shape_.attention, std::as_writable_bytes(log_sum_exp_.span()));
      input.tape = tape();
    }
    store_->done_with(layer);
    if (layer > 0) store_->will_read(layer - 1);
    backward.run(layer, adapters_.empty() ? nullptr : &adapters_[layer], input,
                 last(layer) ? d_targets_.data() : x_.data(), x_.data(), gradient);
  }

  const Model& model_;
  const ModelConfig& config_;
  Threads& threads_;
  const TrainingExample& example_;
  std::span<const LayerAdapter> adapters_;
  const PassOptions& options_;
  SlotShape<T> shape_;
  std::optional<ActivationStore> store_;  // a slot a layer; none when only the loss is wanted
  AlignedBuffer<T> x_;                    // [T][D]: the residual stream, then its gradient
  AlignedBuffer<T> input_;                // [T][D] of the layer in hand
  AlignedBuffer<T> attention_;            // [T][H*C] of the layer in hand
  AlignedBuffer<float> log_sum_exp_;      // [T][H]
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

template <typename T>
PassResult example_loss(const Model& model, Threads& threads, const TrainingExample& example,
                        std::span<const LayerAdapter> adapters) {
  PassOptions options;
  options.keep = Keep::kInput;
  return Pass<T>(model, threads, example, adapters, options).loss();
}

double pass_flops(const ModelConfig& config, const TrainingExample& example, Keep keep) {
  const auto real = [](auto n) { return static_cast<double>(n); };
  const double tokens = real(example.ids.size());
  const double linear = 2 * tokens * real(config.layer_parameters());  // forward; again; gradient of the input
  double pairs = 0;
  for (std::size_t layer = 0; layer < config.layers; ++layer) {
    for (ops::KeyRange range : example.visible) {
      if (config.is_sliding(layer)) range = ops::last_keys(range, config.sliding_window);
      pairs += real(range.end - range.begin - (range.gap_end - range.gap_begin));
    }
  }
  const double product = 2 * pairs * real(config.heads * config.head_width);  // two forward, five backward
  const auto targets =
      std::count_if(example.targets.begin(), example.targets.end(), [](auto t) { return t != kNoTarget; });
  const double head = 4 * real(targets) * real(config.vocabulary * config.width);
  return 3 * linear + (keep == Keep::kAttention ? 7 : 9) * product + head;
}

#define TOME_INSTANTIATE(T)                                                                                           \
  template PassResult training_pass<T>(const Model&, Threads&, const TrainingExample&, std::span<const LayerAdapter>, \
                                       std::span<const LayerGradient>, const PassOptions&, float*);                   \
  template PassResult example_loss<T>(const Model&, Threads&, const TrainingExample&, std::span<const LayerAdapter>);
TOME_INSTANTIATE(bf16)
TOME_INSTANTIATE(float)
#undef TOME_INSTANTIATE

}  // namespace tome
