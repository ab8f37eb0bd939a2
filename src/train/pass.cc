#include "train/pass.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/resources.h"
#include "model/head.h"
#include "ops/kernels/kernels.h"
#include "train/spill_file.h"

namespace tome {
namespace {

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
    if (config_.sliding_window > 0) sliding_ = sliding_visible(example, config_.sliding_window);
  }

  PassResult run(const PassGradients& gradients, StepProgress* progress) {
    progress_ = progress;
    // Without progress to keep, the last layer's input is used as soon as it is there and needs no slot.
    const std::size_t slots = progress != nullptr ? config_.layers : config_.layers - 1;
    store_.emplace(slots, shape_.bytes(), options_.activation_bytes,
                   progress != nullptr ? progress->folder() : options_.spill_folder, progress != nullptr);
    LayerBackward<T> backward(model_, threads_, options_.head_group_bytes);
    backward.set_dropout(options_.dropout);
    PassResult result{0, target_rows_.size(), store_->spill_bytes()};
    std::size_t layers_left = config_.layers;
    if (progress != nullptr && progress->backward()) {
      layers_left = progress->backward()->layers_left;
      result.loss = progress->backward()->loss;
      progress->read_d(std::as_writable_bytes(x_.span()));
    } else {
      forward_layers();
      result.loss = head(gradients);
      sample_private_peak();
      return_freed_memory();
    }
    while (layers_left-- > 0) {
      backward_layer(backward, layers_left, gradients.layers[layers_left]);
      if (layers_left == 0) embedding_gradient(gradients.embedding);
      if (progress != nullptr) progress->backward_done({layers_left, result.loss}, std::as_bytes(x_.span()));
      layer_done(2 * config_.layers - layers_left);
    }
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
  bool last(std::size_t layer) const { return layer + 1 == config_.layers; }
  std::span<const ops::KeyRange> visible(std::size_t layer) const {
    return config_.is_sliding(layer) ? std::span<const ops::KeyRange>(sliding_) : example_.visible;
  }

  // Where the parts of a layer are worked on: in the store's memory, or before and after they are in its file.
  std::byte* slot(std::size_t layer) {
    if (stored(layer) && !store_->memory(layer).empty()) return store_->memory(layer).data();
    work_.reserve(shape_.bytes());
    return work_.data();
  }
  bool stored(std::size_t layer) const { return progress_ != nullptr || !last(layer); }
  bool in_file(std::size_t layer) const { return stored(layer) && store_->memory(layer).empty(); }

  void forward_layers() {
    KvSequence<T> kv(attention_shape(config_));
    ForwardOptions options;
    options.precision = Precision::kExact;
    options.chunk_rows = options_.chunk_rows;
    options.adapters = adapters_;
    options.dropout = options_.dropout;
    ForwardPass<T> pass;
    pass.x = x_.data();
    pass.positions = example_.positions;
    pass.visible = example_.visible;
    pass.visible_sliding = sliding_;
    pass.outputs = target_rows_;
    pass.after_layer = [](std::size_t) {
      sample_private_peak();
      return true;
    };
    pass.kv = [&](std::size_t) -> KvSequence<T>& {
      kv.clear();
      return kv;
    };
    if (store_) {
      pass.tape = [&](std::size_t layer) { return last(layer) ? LayerTape<T>{} : shape_.tape(slot(layer)); };
      pass.after_layer = [&](std::size_t layer) {
        sample_private_peak();
        if (last(layer)) {
          layer_done(config_.layers);
          return true;
        }
        if (in_file(layer)) store_->write(layer, 0, {slot(layer), shape_.bytes()});
        keep_input(layer + 1);
        if (progress_ != nullptr) progress_->forward_done(layer + 1);
        layer_done(layer + 1);
        return true;
      };
      pass.first_layer = progress_ != nullptr ? progress_->layers_forward() : 0;
    }
    if (pass.first_layer > 0) {
      store_->read(pass.first_layer, 0, std::as_writable_bytes(x_.span()));
      std::copy_n(x_.data(), x_.size(), shape_.input(slot(pass.first_layer)));
    } else {
      embed_text<T>(model_, example_.ids, x_.data());
      if (store_) keep_input(0);
    }
    forward<T>(model_, threads_, options, pass);
  }

  void layer_done(std::size_t done) const {
    if (options_.after_layer) options_.after_layer(done, 2 * config_.layers);
  }

  // x_ is the input of `layer`; of one that goes to the file it is written again with the layer's other parts.
  void keep_input(std::size_t layer) {
    std::copy_n(x_.data(), x_.size(), shape_.input(slot(layer)));
    if (in_file(layer) && progress_ != nullptr) store_->write(layer, 0, std::as_bytes(x_.span()));
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

  // The loss and, in d_targets_, the gradient of the last layer's output at the target rows.
  double head(const PassGradients& gradients) {
    const auto [rows, targets] = target_rows();
    d_targets_ = AlignedBuffer<T>(rows.size());
    return loss_gradient<T>(model_, threads_, rows.data(), targets, options_.scale, d_targets_.data(),
                            {gradients.output_norm, gradients.output});
  }

  // x_ holds d, the gradient of the layer's output, and then of its input.
  void backward_layer(LayerBackward<T>& backward, std::size_t layer, const LayerGradient& gradient) {
    std::byte* here = slot(layer);
    if (in_file(layer)) {
      store_->read(layer, 0, {here, last(layer) ? x_.bytes() : shape_.bytes()});
      store_->done_with(layer);
    }
    if (layer > 0) store_->will_read(layer - 1);
    LayerBackwardInput<T> input;
    input.x = shape_.input(here);
    input.positions = example_.positions;
    input.visible = visible(layer);
    if (last(layer)) {
      input.queries = target_rows_;
    } else {
      input.tape = shape_.tape(here);
    }
    backward.run(layer, adapters_.empty() ? nullptr : &adapters_[layer], input,
                 last(layer) ? d_targets_.data() : x_.data(), x_.data(), gradient);
  }

  void embedding_gradient(float* gradient) const {
    if (gradient == nullptr) return;
    const std::size_t d = config_.width;
    std::vector<float> row(d);
    for (std::size_t i = 0; i < example_.ids.size(); ++i) {
      ops::kernels().rows<T>().to_float(x_.data() + i * d, row.data(), d);
      float* to = gradient + static_cast<std::size_t>(example_.ids[i]) * d;
      for (std::size_t c = 0; c < d; ++c) to[c] += config_.embedding_scale * row[c];
    }
  }

  const Model& model_;
  const ModelConfig& config_;
  Threads& threads_;
  const TrainingExample& example_;
  std::span<const LayerAdapter> adapters_;
  const PassOptions& options_;
  StepProgress* progress_ = nullptr;
  SlotShape<T> shape_;
  std::optional<ActivationStore> store_;  // none when only the loss is wanted
  AlignedBuffer<T> x_;                    // [T][D]: the residual stream, then its gradient
  AlignedBuffer<std::byte> work_;         // one slot
  AlignedBuffer<T> d_targets_;
  std::vector<std::uint32_t> target_rows_;
  std::vector<ops::KeyRange> sliding_;
};

}  // namespace

template <typename T>
PassResult training_pass(const Model& model, Threads& threads, const TrainingExample& example,
                         std::span<const LayerAdapter> adapters, const PassGradients& gradients,
                         const PassOptions& options, StepProgress* progress) {
  TOME_CHECK(gradients.layers.size() == model.config().layers && example.targets.size() == example.ids.size() &&
             example.positions.size() == example.ids.size() && example.visible.size() == example.ids.size());
  return Pass<T>(model, threads, example, adapters, options).run(gradients, progress);
}

template <typename T>
PassResult example_loss(const Model& model, Threads& threads, const TrainingExample& example,
                        std::span<const LayerAdapter> adapters, std::size_t chunk_rows) {
  PassOptions options;
  options.chunk_rows = chunk_rows;
  return Pass<T>(model, threads, example, adapters, options).loss();
}

#define TOME_INSTANTIATE(T)                                                                                           \
  template PassResult training_pass<T>(const Model&, Threads&, const TrainingExample&, std::span<const LayerAdapter>, \
                                       const PassGradients&, const PassOptions&, StepProgress*);                      \
  template PassResult example_loss<T>(const Model&, Threads&, const TrainingExample&, std::span<const LayerAdapter>,  \
                                      std::size_t);
TOME_INSTANTIATE(bf16)
TOME_INSTANTIATE(float)
#undef TOME_INSTANTIATE

}  // namespace tome
