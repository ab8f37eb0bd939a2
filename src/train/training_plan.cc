#include "train/training_plan.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/number_text.h"
#include "model/adapter.h"
#include "model/head_groups.h"
#include "ops/kernels/kernels.h"
#include "train/spill_file.h"

namespace tome {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;
constexpr double kKept = static_cast<double>(kKeptMemory);

double real(std::size_t n) { return static_cast<double>(n); }
double real(std::int64_t n) { return static_cast<double>(n); }

double total(const std::vector<PlanPart>& parts) {
  double sum = 0;
  for (const PlanPart& part : parts) sum += part.amount;
  return sum;
}

// Buffers of one phase; `held`: what of them stays when the phase ends.
struct Phase {
  double all = 0, held = 0;

  void add(double bytes) {
    all += bytes;
    if (bytes <= kKept) held += bytes;
  }
};

using Matrices = std::initializer_list<Matrix>;

// `share`: of the rows of each, in head groups.
void add_forward(Phase& phase, const ModelConfig& c, std::size_t rank, Matrices matrices, double share = 1) {
  for (const Matrix m : matrices) {
    const auto [out, in] = matrix_shape(c, m);
    phase.add(exact_panel_bytes(out, in, rank) * share + exact_panel_bytes(rank, in, 0));
  }
}

void add_transposed(Phase& phase, const ModelConfig& c, std::size_t rank, Matrices matrices) {
  for (const Matrix m : matrices) {
    const auto [out, in] = matrix_shape(c, m);
    phase.add(exact_panel_bytes(in, out, rank) + exact_panel_bytes(rank, out, 0));
  }
}

// What one group of heads works with, buffer by buffer as LayerAttentionBackward has them.
void add_group(Phase& phase, const ops::AttentionShape& shape, std::size_t tokens, Keep keep) {
  const double width = real(tokens) * shape.head_width;
  if (keep != Keep::kAll) phase.add(width * shape.heads * 2);  // few rows in the last layer
  for (int i = 0; i < 2; ++i) phase.add(width * shape.kv_heads * 2);
  for (int i = 0; i < 2; ++i) phase.add(width * shape.kv_heads * 4);
  phase.add(real(ops::AttentionBackward<bf16>::bytes(shape, tokens)));
}

double forward_scratch(const ModelConfig& c) {
  return real(kRowBlock) * (2 * real(c.width + 2 * c.feed_forward) + 4 * real(c.heads * c.head_width + c.width)) +
         real(ops::kernels().attention_scratch_bytes());
}

double backward_scratch(const ModelConfig& c, const TrainingPlanOptions& o) {
  const double widest = real(std::max(c.width, c.heads * c.head_width));
  const double rows = real(kRowBlock) * (2 * (3 * real(c.width) + widest + 4 * real(c.feed_forward)) + 16 * widest);
  return rows + 4 * static_cast<double>(o.layer_trained) + real(ops::kernels().rows<bf16>().backward_scratch_bytes()) +
         real(ops::kernels().attention_scratch_bytes());
}

double loss_bytes(const ModelConfig& c, const TrainingPlanOptions& o) {
  constexpr double kSlice = 1024;  // model/head.cc
  const double rows = real(o.targets);
  return rows * real(c.width) * (2 + 2 + 2 + 4) + 2 * kSlice * real(c.width) * 2 +
         o.threads * real(kRowBlock) * kSlice * 6;
}

std::vector<PlanPart> rows_of_pass(const ModelConfig& c, std::int64_t rows) {
  const double tokens = real(rows);
  const double ranges = c.sliding_window > 0 ? 2 : 1;
  return {{"ids, targets, positions, visible keys", tokens * (4 + 4 + 8 + ranges * sizeof(ops::KeyRange))},
          {"residual stream, then its gradient", tokens * real(c.width) * 2}};
}

void plan_always(const ModelConfig& c, const TrainingPlanOptions& o, const SlotShape<bf16>& slot, TrainingPlan& plan) {
  const double tokens = real(o.tokens);
  const std::size_t slots = c.layers - 1;
  const std::size_t in_memory = ActivationStore::slots_in_memory(slots, slot.bytes(), o.activation_bytes);
  const bool spills = in_memory < slots;
  plan.spill = spills ? static_cast<std::uint64_t>(slots - in_memory) * slot.bytes() : 0;
  plan.always = opened_parts(c);
  plan.always.push_back({"threads", o.threads * kThreadBytes});
  plan.always.push_back({"adapter and its gradient", 8 * static_cast<double>(o.trained)});
  plan.always.push_back({"training set", real(o.data_bytes)});
  plan.pass = rows_of_pass(c, o.tokens);
  plan.pass.push_back({"activations in memory", real(in_memory) * real(slot.bytes())});
  plan.pass.push_back({"activations of the layer in hand", spills ? real(slot.bytes()) : tokens * real(c.width) * 2});
}

std::vector<PlanPart> plan_forward(const ModelConfig& c, const TrainingPlanOptions& o) {
  const double chunk = real(std::min<std::int64_t>(static_cast<std::int64_t>(o.chunk_rows), o.tokens));
  const double heads = real((c.heads + 2 * c.kv_heads) * c.head_width);
  const double blocks = std::ceil(real(o.tokens) / ops::kKvBlock);
  Phase panels;
  add_forward(
      panels, c, o.rank,
      {Matrix::kQuery, Matrix::kKey, Matrix::kValue, Matrix::kOutput, Matrix::kGate, Matrix::kUp, Matrix::kDown});
  return {{"packed weights of a layer", panels.all},
          {"q, k, v of a chunk", chunk * heads * 2},
          {"K and V of a layer",
           blocks * 4 * real(ops::kv_block_total_words<bf16>(ops::KvType::kNative, attention_shape(c)))},
          {"scratch of the threads", o.threads * forward_scratch(c)}};
}

// Sample answers read in int8 as tome ask does, with smaller weights and, on some CPUs, int8 keys beside K and V.
std::vector<PlanPart> plan_forward_alone(const ModelConfig& c, TrainingPlanOptions o) {
  if (o.forward_tokens == 0) return {};
  o.tokens = o.forward_tokens;
  std::vector<PlanPart> parts = rows_of_pass(c, o.tokens);
  for (const PlanPart& part : plan_forward(c, o)) parts.push_back(part);
  if (ops::has_int8_scores()) {
    const double blocks = std::ceil(real(o.tokens) / ops::kKvBlock);
    parts.push_back({"int8 keys", blocks * 4 * real(c.kv_heads * ops::int8_key_words(attention_shape(c)))});
  }
  return parts;
}

// Three phases: after attention, attention by groups of heads, before attention.
void plan_backward(const ModelConfig& c, const TrainingPlanOptions& o, TrainingPlan& plan) {
  const double tokens = real(o.tokens);
  const ops::AttentionShape shape = attention_shape(c);
  const auto rows = static_cast<std::size_t>(o.tokens);
  const auto groups = head_groups<bf16>(shape, rows, o.head_group_bytes);
  const bool branch_norms = c.family == Family::kGemma3;

  Phase after, again, attention, before, key_gradients;
  add_transposed(after, c, o.rank, {Matrix::kOutput, Matrix::kGate, Matrix::kUp, Matrix::kDown});
  add_forward(again, c, o.rank, {Matrix::kOutput, Matrix::kGate, Matrix::kUp});
  if (branch_norms) add_forward(again, c, o.rank, {Matrix::kDown});
  add_group(attention, group_shape(shape, groups.front()), rows, o.keep);
  add_forward(attention, c, o.rank, {Matrix::kQuery, Matrix::kKey, Matrix::kValue}, 1 / real(groups.size()));
  add_transposed(before, c, o.rank, {Matrix::kQuery, Matrix::kKey, Matrix::kValue});
  for (int i = 0; i < 2; ++i) key_gradients.add(tokens * real(c.kv_heads * c.head_width) * 2);

  const double held = after.held + again.held;
  // The last layer, which no schedule keeps, comes first; after it there is more that stays.
  const double last = after.all + again.all + attention.held;
  const double others = after.all + (o.keep == Keep::kAll && !branch_norms ? again.held : again.all) + attention.held +
                        before.held + key_gradients.held;
  const double phases = std::max({last, others, held + attention.all + before.held + key_gradients.all,
                                  held + attention.held + before.all + key_gradients.all});
  const double attended = tokens * real(c.heads) * (real(c.head_width) * 2 + 4);
  plan.backward = {{"positions and visible keys of a layer", tokens * (8 + 8 + sizeof(ops::KeyRange))},
                   {"deltas", tokens * real(c.heads) * 4},
                   {"attention's output, again", o.keep == Keep::kInput ? attended : 0},
                   {"packed weights, heads and their gradients", phases},
                   {"scratch of the threads", o.threads * backward_scratch(c, o)}};
}

}  // namespace

TrainingPlanOptions plan_options(const ModelConfig& config, const AdapterSettings& adapter, std::int64_t tokens) {
  TrainingPlanOptions options;
  options.tokens = tokens;
  options.rank = adapter.rank;
  for (const Matrix m : kMatrices) {
    if (!adapter.matrices[static_cast<std::size_t>(m)]) continue;
    const auto [out, in] = matrix_shape(config, m);
    options.layer_trained += adapter.rank * (out + in);
  }
  const std::size_t norms =
      config.family == Family::kGemma3 ? 4 * config.width + 2 * config.head_width : 2 * config.width;
  if (adapter.norms) options.layer_trained += norms;
  options.trained = options.layer_trained * config.layers + (adapter.norms ? config.width : 0);
  if (adapter.embeddings) options.trained += config.vocabulary * config.width * (config.tied_output ? 1 : 2);
  return options;
}

TrainingPlanOptions plan_options(const ModelConfig& config, const Adapter& adapter, std::int64_t tokens) {
  TrainingPlanOptions options;
  options.tokens = tokens;
  options.rank = adapter.largest_rank();
  options.trained = adapter.values().size();
  for (std::size_t layer = 0; layer < config.layers; ++layer) {
    std::uint64_t numbers = 0;
    for (const Matrix m : kMatrices) {
      const auto [out, in] = matrix_shape(config, m);
      const Adapter::Place& place = adapter.place(layer, m);
      if (place.present) numbers += place.pair.rank * (out + in);
    }
    for (const Norm n : kNorms) numbers += adapter.norm(layer, n).size;
    options.layer_trained = std::max(options.layer_trained, numbers);
  }
  return options;
}

TrainingPlan make_training_plan(const PlanModel& model, const TrainingPlanOptions& options) {
  const ModelConfig& c = model.config;
  TOME_CHECK(options.tokens > 0 && options.threads > 0);
  TrainingPlan plan;
  const SlotShape<bf16> slot(c, static_cast<std::size_t>(options.tokens), options.keep);
  plan_always(c, options, slot, plan);
  plan.forward = plan_forward(c, options);
  plan.loss = {{"loss and its gradient", loss_bytes(c, options)}};
  plan.forward_alone = plan_forward_alone(c, options);
  plan_backward(c, options, plan);
  const double phases = std::max({total(plan.forward), total(plan.loss), total(plan.backward)});
  const double peak = total(plan.always) + std::max(total(plan.pass) + phases, total(plan.forward_alone));
  plan.peak_private = static_cast<std::uint64_t>(std::llround(peak));
  const double moments = static_cast<double>(options.trained) * (options.eight_bit ? 2.04 : 8);
  plan.mapped = static_cast<std::uint64_t>(std::llround(moments)) + model.layer_bytes;
  plan.flops = pass_flops(c, count_text(c, options.tokens, std::min(options.targets, options.tokens)), options.keep);
  return plan;
}

TrainingPlanOptions fit_activations(const PlanModel& model, TrainingPlanOptions options) {
  options.keep = Keep::kAll;
  if (make_training_plan(model, options).spill > 0) options.keep = Keep::kAttention;
  return options;
}

TrainingPlanOptions fit_training(const PlanModel& model, TrainingPlanOptions options, std::uint64_t memory) {
  const auto tokens = static_cast<std::size_t>(options.tokens);
  for (const Keep keep : {Keep::kAll, Keep::kAttention}) {
    options.keep = keep;
    options.activation_bytes = UINT64_MAX;
    if (make_training_plan(model, options).peak_private <= memory) return options;
  }
  const std::size_t slot = SlotShape<bf16>(model.config, tokens, options.keep).bytes();
  for (const std::uint64_t group : {kHeadGroupBytes, kHeadGroupBytes / 2, kHeadGroupBytes / 4, std::uint64_t{1}}) {
    options.head_group_bytes = std::min(options.head_group_bytes, group);
    options.activation_bytes = 0;
    const std::uint64_t least = make_training_plan(model, options).peak_private;
    if (least > memory) continue;
    options.activation_bytes = (memory - least) / slot * slot;  // the rest goes to the file
    return options;
  }
  options.chunk_rows = 256;
  const std::uint64_t needed = make_training_plan(model, options).peak_private;
  if (needed <= memory) return options;
  TrainingPlanOptions alone = options;
  alone.forward_tokens = 0;
  if (make_training_plan(model, alone).peak_private <= memory) {
    throw_user_error("--memory ", static_cast<std::int64_t>(static_cast<double>(memory) / kMiB),
                     "MiB: training fits, but validation or sample answers over ", grouped(options.forward_tokens),
                     " tokens take ", static_cast<std::int64_t>(std::ceil(static_cast<double>(needed) / kMiB)),
                     " MiB; give that, or shorter rows to validate on and --samples 0");
  }
  std::int64_t fits = 0;
  for (std::int64_t step = std::int64_t{1} << 30; step >= 256; step /= 2) {
    TrainingPlanOptions fewer = options;
    fewer.tokens = fits + step;
    if (fewer.tokens < options.tokens && make_training_plan(model, fewer).peak_private <= memory) fits += step;
  }
  const auto mebibytes = [](double bytes) { return static_cast<std::int64_t>(std::ceil(bytes / kMiB)); };
  throw_user_error("--memory ", static_cast<std::int64_t>(static_cast<double>(memory) / kMiB), "MiB: training on ",
                   options.tokens, " tokens takes at least ", mebibytes(static_cast<double>(needed)),
                   " MiB; what would fit: --memory ", mebibytes(static_cast<double>(needed)), "MiB",
                   fits > 0 ? cat(", or --context ", fits) : std::string(", or a smaller model or --rank"));
}

double pass_seconds(const TrainingPlan& plan, const MachineRates& rates) {
  return plan.flops / (ops::kernels().shares.training * rates.bf16);
}

}  // namespace tome
