#include "model/plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "base/error.h"
#include "model/adapter.h"
#include "model/decoder_layer.h"
#include "model/model.h"
#include "ops/int8.h"
#include "ops/kernels/kernels.h"

namespace tome {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;

// Measured constants of the process itself (docs/performance.md).
constexpr double kProgram = 3 * kMiB;         // heap and written data pages after start-up
constexpr double kPieceBytes = 90;            // of one vocabulary entry in the tokenizer and the file's directory
constexpr double kMappedProgram = 18 * kMiB;  // code and libraries
constexpr double kTextBytes = 4.5;            // of text for each token; two copies while it is cleaned
constexpr double kFaultAround = 64 * 1024;    // the system maps this much around a touched byte of a file

// Parts that are there while layers are worked on, and not while embeddings are looked up or logits made.
constexpr std::array<std::string_view, 4> kLayerParts = {"packed weights of a layer", "K and V of a layer",
                                                         "q, k, v of a chunk", "scratch of the threads"};

double total(const std::vector<PlanPart>& parts) {
  double sum = 0;
  for (const PlanPart& part : parts) sum += part.amount;
  return sum;
}

double amount_of(const std::vector<PlanPart>& parts, std::span<const std::string_view> names) {
  double sum = 0;
  for (const PlanPart& part : parts) {
    if (std::find(names.begin(), names.end(), part.name) != names.end()) sum += part.amount;
  }
  return sum;
}

std::uint64_t whole(double bytes) { return static_cast<std::uint64_t>(std::llround(bytes)); }
double real(std::size_t n) { return static_cast<double>(n); }

double packed_bytes(std::size_t out, std::size_t in, Precision precision, bool offsets) {
  if (precision == Precision::kInt8) {
    const std::size_t panels = (out + ops::kInt8Panel - 1) / ops::kInt8Panel;
    return real(panels * (ops::int8_panel_values(in) + (offsets ? 12 : 8) * ops::int8_panel_scales(in)));
  }
  return exact_panel_bytes(out, in, 0);
}

double thread_scratch(const ModelConfig& c, std::size_t chunk, Precision precision) {
  const double rows = real(std::min(kRowBlock, chunk));
  const std::size_t widest = std::max({c.width, c.feed_forward, c.heads * c.head_width});
  double bytes = rows * 2 * 2 * real(c.width + c.feed_forward);
  if (precision == Precision::kInt8) bytes += rows * real(ops::int8_groups(widest)) * (ops::kInt8Group + 4);
  bytes += real(ops::kInt8Panel * widest) * 4;    // rows being unpacked
  bytes += real(ops::kLinearPanel * widest) / 2;  // and transposed
  bytes += real(ops::kernels().attention_scratch_bytes());
  bytes += ops::kAttentionRows * 4.0 * real((c.head_width + 15) / 16 * 16 + 2);
  return bytes + kThreadBytes;
}

// Visible (query, key) pairs of one head over `tokens` tokens.
double visible_pairs(std::int64_t tokens, std::int64_t window) {
  const auto n = static_cast<double>(tokens);
  const double w = window > 0 ? std::min(n, static_cast<double>(window)) : n;
  return w * (w + 1) / 2 + (n - w) * w;
}

struct Sizes {
  double block = 0;         // bytes of one K/V block as it is kept
  double native_block = 0;  // while it fills
  double blocks = 0;        // of the whole text in one global layer
  double layer_kv = 0;      // of one layer in RAM
  double all_kv = 0;        // of all layers in the reading
};

// Blocks that a sliding layer keeps: its window, before each snapshot and at the end (read/reading.h).
double sliding_blocks(std::int64_t tokens, std::int64_t window) {
  constexpr std::int64_t kSnapshotTokens = 4096;
  const std::int64_t of_window = (window + ops::kKvBlock - 1) / ops::kKvBlock;
  const std::int64_t blocks = (tokens + ops::kKvBlock - 1) / ops::kKvBlock;
  return static_cast<double>(std::min(blocks, (tokens / kSnapshotTokens) * of_window + of_window + 1));
}

Sizes kv_sizes(const ModelConfig& c, const PlanOptions& o) {
  Sizes s;
  s.block = 4 * real(ops::kv_block_total_words<bf16>(o.kv, attention_shape(c)));
  s.native_block = 4 * real(ops::kv_block_total_words<bf16>(ops::KvType::kNative, attention_shape(c)));
  s.blocks = static_cast<double>((o.tokens + ops::kKvBlock - 1) / ops::kKvBlock);
  s.layer_kv = s.blocks * s.block;
  if (o.kv == ops::KvType::kNative && o.precision == Precision::kInt8 && ops::has_int8_scores()) {
    s.layer_kv += 4 * s.blocks * real(c.kv_heads * ops::int8_key_words(attention_shape(c)));
  }
  if (o.kv != ops::KvType::kNative) {  // a chunk's blocks are native until they are full
    s.layer_kv += std::ceil(real(o.chunk_rows) / ops::kKvBlock) * s.native_block;
  }
  for (std::size_t layer = 0; layer < c.layers; ++layer) {
    s.all_kv += s.block * (c.is_sliding(layer) ? sliding_blocks(o.tokens, c.sliding_window) : s.blocks);
  }
  return s;
}

void plan_memory(const PlanModel& model, const PlanOptions& o, const Sizes& kv, Plan& plan) {
  const ModelConfig& c = model.config;
  const auto tokens = static_cast<double>(o.tokens);
  const std::size_t chunk = std::min(o.chunk_rows, static_cast<std::size_t>(o.tokens));
  double packed = 0;
  for (const Matrix m : kMatrices) {
    const auto [out, in] = matrix_shape(c, m);
    packed += packed_bytes(out, in, layer_precision(m, o.precision), model.offsets[static_cast<std::size_t>(m)]);
    packed += low_rank_bytes(out, in, o.adapter_rank);
  }
  const double ranges = c.sliding_window > 0 ? 2 : 1;
  const double ids = tokens * (4 + 4 + 8 + ranges * sizeof(ops::KeyRange));  // token, offset, position, visible keys
  std::vector<PlanPart> always = opened_parts(c);
  if (o.adapter_numbers > 0) always.push_back({"adapter", sizeof(float) * real(o.adapter_numbers)});
  always.push_back({"text", 2 * kTextBytes * tokens + 8 * tokens});
  always.push_back({kLayerParts[0], packed});
  plan.reading = always;
  plan.reading.push_back({"ids, positions, visible keys", ids});
  plan.reading.push_back({"residual stream", tokens * real(c.width) * 2});
  plan.reading.push_back({kLayerParts[1], kv.layer_kv});
  plan.reading.push_back({kLayerParts[2], 2 * real(chunk * (c.heads + 2 * c.kv_heads) * c.head_width)});
  plan.reading.push_back({kLayerParts[3], o.threads * thread_scratch(c, chunk, o.precision)});
  plan.answering = always;
  plan.answering.push_back({"last K and V blocks of all layers", real(c.layers) * 2 * kv.native_block});
  plan.answering.push_back({kLayerParts[3], o.threads * thread_scratch(c, kRowBlock, o.precision)});
  plan.answering.push_back({"logits", 8 * real(c.vocabulary)});
  plan.private_reading = whole(total(plan.reading));
  plan.private_answering = whole(total(plan.answering));
}

void plan_mapped(const PlanModel& model, const PlanOptions& o, const Sizes& kv, Plan& plan) {
  const ModelConfig& c = model.config;
  const auto embedding = static_cast<double>(model.embedding_bytes);
  const auto output = static_cast<double>(model.output_bytes);
  const auto layer = static_cast<double>(model.layer_bytes);
  const double edges = real(c.layers) * 2 * kFaultAround;  // norms, and what is mapped around them
  const double always = kMappedProgram + static_cast<double>(model.directory_bytes) + edges;
  const double embedded = std::min(embedding, kEmbedRows * kFaultAround);
  const auto reading = static_cast<double>(plan.private_reading);
  plan.mapped_reading = whole(always + std::max(embedded, layer));
  plan.resident_reading =
      whole(always + std::max(reading - amount_of(plan.reading, kLayerParts) + embedded, reading + layer));
  const double head = output > 0 ? output : embedding;
  const auto answering = static_cast<double>(plan.private_answering);
  if (o.bounded) {  // the last layer is gone before the output matrix comes
    const double in_layer = layer + kv.blocks * kv.block;
    const double packed = amount_of(plan.answering, kLayerParts);
    plan.mapped_answering = whole(always + std::max(in_layer, head));
    plan.resident_answering = whole(always + std::max(answering + in_layer, answering - packed + head));
  } else {
    plan.mapped_answering = whole(always + embedding + output + layer * real(c.layers) + kv.all_kv);
    plan.resident_answering = plan.private_answering + plan.mapped_answering;
  }
  const double ids = 8 * static_cast<double>(o.tokens);
  plan.disk = whole(kv.all_kv + kv.all_kv / kv.block * 8 + ids + 4096);
  plan.disk_while_reading = plan.disk + whole(2 * 2 * static_cast<double>(o.tokens) * real(c.width) + 4096);
  plan.answer_bytes = whole(layer * real(c.layers) + head);
  for (std::size_t l = 0; l < c.layers; ++l) {
    const double seen = c.is_sliding(l)
                            ? std::min(kv.blocks, std::ceil(static_cast<double>(c.sliding_window) / ops::kKvBlock) + 1)
                            : kv.blocks;
    plan.answer_bytes += whole(seen * kv.block);
  }
}

// The last layer gives only K and V: what comes after them would be the question's.
void plan_work(const ModelConfig& c, const PlanOptions& o, Plan& plan) {
  const auto tokens = static_cast<double>(o.tokens);
  const auto kv_matrices = 2 * real(c.width * c.kv_heads * c.head_width);
  const double layer = real(c.layer_parameters()) / real(c.layers);
  const double linear = 2 * tokens * (layer * real(c.layers - 1) + kv_matrices);
  double attention = 0;
  double one = 2 * (layer * real(c.layers) + real(c.vocabulary * c.width));
  for (std::size_t l = 0; l < c.layers; ++l) {
    const std::int64_t window = c.is_sliding(l) ? c.sliding_window : 0;
    const double pair = 4 * real(c.heads * c.head_width);
    if (l + 1 < c.layers) attention += pair * visible_pairs(o.tokens, window);
    one += pair * (window > 0 ? std::min(tokens, static_cast<double>(window)) : tokens);
  }
  plan.flops = {{"linear layers", linear}, {"attention", attention}};
  plan.answer_token_flops = one;
}

}  // namespace

std::vector<PlanPart> opened_parts(const ModelConfig& c) {
  double norms = 4 * real(c.layers * c.width) * (c.family == Family::kGemma3 ? 4 : 2);
  norms += 2 * real(c.layers) * 4 * real(c.head_width) + 2 * ops::kKvBlock * 4 * real(c.head_width);  // RoPE rows
  return {{"program", kProgram}, {"tokenizer", kPieceBytes * real(c.vocabulary)}, {"norms and RoPE", norms}};
}

double exact_panel_bytes(std::size_t out, std::size_t in, std::size_t rank) {
  const std::size_t panels = (out + ops::kLinearPanel - 1) / ops::kLinearPanel;
  return real(panels * ops::linear_panel_words<bf16>(in, rank) * 4);
}

double low_rank_bytes(std::size_t out, std::size_t in, std::size_t rank) {
  return exact_panel_bytes(rank, in, 0) + exact_panel_bytes(out, rank, 0);
}

void PlanOptions::count_adapter(const Adapter& adapter) {
  adapter_numbers = adapter.values().size();
  adapter_rank = adapter.largest_rank();
}

Plan make_plan(const PlanModel& model, const PlanOptions& given) {
  TOME_CHECK(given.tokens > 0 && given.threads > 0 && given.chunk_rows > 0);
  PlanOptions options = given;
  if (!ops::kernels().int8_linear) options.precision = Precision::kExact;
  const Sizes kv = kv_sizes(model.config, options);
  Plan plan;
  plan_memory(model, options, kv, plan);
  plan_mapped(model, options, kv, plan);
  plan_work(model.config, options, plan);
  return plan;
}

PlanOptions fit_memory(const PlanModel& model, PlanOptions options, std::uint64_t memory) {
  options.bounded = true;
  for (const std::size_t rows : {2048u, 1536u, 1024u, 768u, 512u, 384u, 256u, 192u, 96u}) {
    options.chunk_rows = rows;
    if (make_plan(model, options).peak_rss() <= memory) return options;
  }
  const auto needed =
      static_cast<std::uint64_t>(std::ceil(static_cast<double>(make_plan(model, options).peak_rss()) / kMiB));
  std::int64_t fits = 0;
  for (std::int64_t step = std::int64_t{1} << 30; step >= 256; step /= 2) {
    PlanOptions fewer = options;
    fewer.tokens = fits + step;
    if (fewer.tokens < options.tokens && make_plan(model, fewer).peak_rss() <= memory) fits += step;
  }
  throw_user_error("--memory ", whole(std::floor(static_cast<double>(memory) / kMiB)), "MiB: reading ", options.tokens,
                   " tokens takes at least ", needed, " MiB; what would fit: --memory ", needed, "MiB",
                   fits > 0 ? cat(", or a text of ", fits, " tokens (--cut)") : std::string(", or a smaller model"));
}

void refuse_too_large(const Plan& plan, std::uint64_t installed) {
  if (plan.peak_private() <= installed) return;
  throw_user_error("not enough memory: this would take ", whole(static_cast<double>(plan.peak_private()) / kMiB),
                   " MiB of private memory, the machine has ", whole(static_cast<double>(installed) / kMiB),
                   " MiB; a shorter text (--cut), a smaller model, or --memory with less than that");
}

double reading_seconds(const Plan& plan, const MachineRates& rates, Precision precision) {
  constexpr double kLinearInt8 = 0.5;  // of the int8 peak, as `tome bench` shows
  const ops::PeakShares& shares = ops::kernels().shares;
  const bool int8 = precision == Precision::kInt8 && rates.int8 > 0;
  return plan.flops[0].amount / (int8 ? kLinearInt8 * rates.int8 : shares.linear * rates.bf16) +
         plan.flops[1].amount / (shares.attention * rates.bf16);
}

double answer_token_seconds(const Plan& plan, const MachineRates& rates, std::uint64_t installed) {
  constexpr double kDram = 0.7;  // of the peak
  const auto bytes = static_cast<double>(plan.answer_bytes);
  const double room = static_cast<double>(installed) - static_cast<double>(plan.private_answering);
  // Pages are visited in the same order every time: when they do not all fit, none is still there when its turn comes.
  return bytes <= room ? bytes / (kDram * rates.dram) : bytes / rates.disk;
}

}  // namespace tome
