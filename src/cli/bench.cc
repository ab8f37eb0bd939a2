// tome bench: how fast this program is here, beside what the machine can do.
#include <algorithm>
#include <chrono>
#include <random>

#include "base/error.h"
#include "base/resources.h"
#include "cli/bench_kernels.h"
#include "cli/bench_run.h"
#include "cli/bench_train.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/machine.h"
#include "model/decode.h"
#include "model/forward.h"
#include "model/head.h"

namespace tome::cli {
namespace {

using Clock = std::chrono::steady_clock;

double prefill_seconds(const Model& model, Threads& threads, const BenchFlags& flags, std::span<const TokenId> ids) {
  const ModelConfig& config = model.config();
  const auto start = Clock::now();
  AlignedBuffer<bf16> x(ids.size() * config.width);
  embed_text<bf16>(model, ids, x.data());
  const auto positions = consecutive_positions(0, ids.size());
  const auto visible = causal_ranges(0, ids.size(), 0);
  const auto sliding = causal_ranges(0, config.sliding_window > 0 ? ids.size() : 0, config.sliding_window);
  auto kv = pass_kv<bf16>(config, flags.model.exact ? Precision::kExact : Precision::kInt8);
  ForwardPass<bf16> pass;
  pass.x = x.data();
  pass.positions = positions;
  pass.visible = visible;
  pass.visible_sliding = sliding;
  pass.first_output = ids.size() - 1;
  pass.kv = [&](std::size_t) -> KvSequence<bf16>& {
    kv.clear();
    return kv;
  };
  pass.after_chunk = [](std::size_t, std::size_t) {
    sample_private_peak();
    return true;
  };
  ForwardOptions options;
  options.precision = flags.model.exact ? Precision::kExact : Precision::kInt8;
  options.chunk_rows = flags.chunk_rows;
  forward<bf16>(model, threads, options, pass);
  std::vector<float> scores(config.vocabulary);
  logits<bf16>(model, threads, x.data() + (ids.size() - 1) * config.width, flags.model.exact, scores);
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void run_prefill(const BenchFlags& flags) {
  const std::int64_t tokens = parse_count("--tokens", flags.tokens);
  const BenchSubject subject = open_subject(flags, tokens);
  Threads threads(flags.model.thread_count());
  const auto ids = bench_ids(flags, *subject.model, static_cast<std::size_t>(tokens));
  std::vector<double> seconds(static_cast<std::size_t>(flags.repeat));
  for (double& s : seconds) s = prefill_seconds(*subject.model, threads, flags, ids);
  sample_private_peak();
  const Plan plan = make_plan(subject.plan, {tokens, flags.chunk_rows, threads.count()});
  const double flops = plan.flops[0].amount + plan.flops[1].amount;
  const BenchFigures figures{static_cast<double>(tokens), median(seconds), flops / median(seconds)};
  report_bench(flags, "prefill", tokens, figures, measure_bf16(threads));
}

// K and V of `depth` tokens without reading any: what they hold does not change the time.
std::vector<KvSequence<bf16>> random_kv(const ModelConfig& config, Threads& threads, std::size_t depth) {
  const std::size_t width = config.kv_heads * config.head_width;
  const std::size_t rows = std::min<std::size_t>(depth, kDefaultChunkRows);
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  AlignedBuffer<bf16> values(rows * width);
  for (bf16& v : values.span()) v = bf16(normal(random));
  std::vector<KvSequence<bf16>> kv(config.layers, KvSequence<bf16>(attention_shape(config)));
  for (auto& layer : kv) {
    for (std::size_t done = 0; done < depth; done += rows) {
      layer.append(threads, values.data(), values.data(), std::min(rows, depth - done));
    }
  }
  return kv;
}

void run_decode(const BenchFlags& flags) {
  constexpr int kTokens = 32;
  const std::int64_t depth = flags.depth == "0" ? 0 : parse_count("--depth", flags.depth);
  const BenchSubject subject = open_subject(flags, depth + kTokens * (flags.repeat + 1));
  Threads threads(flags.model.thread_count());
  auto kv = random_kv(subject.model->config(), threads, static_cast<std::size_t>(depth));
  Decoder<bf16> decoder(*subject.model, threads, flags.model.exact);
  std::vector<float> scores(subject.model->config().vocabulary);
  const auto ids = bench_ids(flags, *subject.model, kTokens);
  const auto steps = [&] {
    const auto start = Clock::now();
    for (const TokenId id : ids) {
      decoder.step(
          id, kv[0].size(), [&](std::size_t layer) -> KvSequence<bf16>& { return kv[layer]; }, scores);
    }
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  steps();  // the weights' pages come in
  for (auto& layer : kv) layer.truncate(depth);
  std::vector<double> seconds;
  for (int i = 0; i < flags.repeat; ++i) {
    seconds.push_back(steps());
    for (auto& layer : kv) layer.truncate(depth);
  }
  sample_private_peak();
  const Plan plan = make_plan(subject.plan, {std::max<std::int64_t>(depth, 1), kDefaultChunkRows, threads.count()});
  const double bytes = static_cast<double>(plan.answer_bytes) * kTokens / median(seconds);
  const BenchFigures figures{kTokens, median(seconds), bytes};
  report_bench(flags, "decode", depth, figures, measure_dram(threads));
}

}  // namespace

void add_bench(CLI::App& app) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* bench = app.add_subcommand("bench", "speed of the kernels and of whole models beside this machine's peak");
  bench->footer(
      "examples:\n  tome bench\n  tome bench prefill --model smollm2 --tokens 8k\n"
      "  tome bench prefill --shape llama-3.1-8b --layers 2 --tokens 100000");
  auto threads = std::make_shared<int>(0);
  auto tokens = std::make_shared<std::string>("8k");
  bench->add_option("-t,--threads", *threads, "threads")->check(CLI::Range(1, 1024));
  bench->add_option("--tokens", *tokens, "keys that the attention kernels see")->capture_default_str();
  CLI::App* prefill = bench->add_subcommand("prefill", "reading: tokens a second");
  flags->add_to(*prefill);
  prefill->add_option("--tokens", flags->tokens, "tokens to read")->capture_default_str();
  prefill->add_option("--chunk-rows", flags->chunk_rows, "tokens in a chunk")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  prefill->add_option("--text", flags->text, "a document to take the tokens from; default: made-up ones");
  CLI::App* decode = bench->add_subcommand("decode", "answering: tokens a second");
  flags->add_to(*decode);
  decode->add_option("--depth", flags->depth, "tokens read before, 0 for none")->capture_default_str();
  add_bench_train(*bench, *flags);
  prefill->callback([flags] { run_prefill(*flags); });
  decode->callback([flags] { run_decode(*flags); });
  bench->callback([=] {
    if (bench->get_subcommands().empty()) {
      bench_kernels(*threads > 0 ? *threads : usable_cores(), static_cast<int>(parse_count("--tokens", *tokens)));
    }
  });
}

}  // namespace tome::cli
