// tome bench: how fast this program is here, beside what the machine can do.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>

#include "base/error.h"
#include "base/resources.h"
#include "cli/bench_kernels.h"
#include "cli/bench_shape.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/machine.h"
#include "model/decode.h"
#include "model/forward.h"
#include "model/head.h"
#include "text/document.h"

namespace tome::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Flags {
  ModelFlags model;
  std::string shape, text, tokens = "8k", depth = "8k", folder = "/tmp";
  std::size_t layers = 2, chunk_rows = kDefaultChunkRows;
  int repeat = 1;
  bool json = false;
};

struct Subject {
  std::unique_ptr<Model> model;
  PlanModel plan;
};

Subject open_subject(const Flags& flags, std::int64_t tokens) {
  Subject subject;
  subject.model = flags.shape.empty() ? std::make_unique<Model>(find_model(flags.model.model))
                                      : random_model(known_shape(flags.shape).config, flags.layers, flags.folder);
  stretch_context(subject.model->config(), tokens, flags.model.rope_scaling);
  subject.plan = plan_model(*subject.model);
  return subject;
}

// The first `count` ids of a text, or numbers that mean nothing: the work is the same.
std::vector<TokenId> bench_ids(const Flags& flags, const Model& model, std::size_t count) {
  if (flags.text.empty()) {
    std::mt19937 random(1);
    std::vector<TokenId> ids(count);
    for (TokenId& id : ids) id = static_cast<TokenId>(random() % model.config().vocabulary);
    return ids;
  }
  if (model.gguf() == nullptr || !flags.shape.empty())
    throw_user_error("--text needs a .gguf --model with its tokenizer");
  std::vector<TokenId> ids = make_tokenizer(*model.gguf())->encode(read_documents({flags.text}).text).ids;
  if (ids.size() < count)
    throw_user_error(flags.text, ": ", ids.size(), " tokens, but ", count, " were asked for; ask for fewer");
  ids.resize(count);
  return ids;
}

double prefill_seconds(const Model& model, Threads& threads, const Flags& flags, std::span<const TokenId> ids) {
  const ModelConfig& config = model.config();
  const auto start = Clock::now();
  AlignedBuffer<bf16> x(ids.size() * config.width);
  embed_text<bf16>(model, ids, x.data());
  const auto positions = consecutive_positions(0, ids.size());
  const auto visible = causal_ranges(0, ids.size(), 0);
  const auto sliding = causal_ranges(0, config.sliding_window > 0 ? ids.size() : 0, config.sliding_window);
  KvSequence<bf16> kv(attention_shape(config));
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

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Figures {
  double tokens = 0, seconds = 0;
  double used = 0;                                             // operations or bytes a second
  std::uint64_t rss = peak_rss(), anonymous = peak_private();  // before the machine's own peak is measured
};

// One object, or one line for people.
void report(const Flags& flags, const char* what, std::int64_t size, const Figures& f, double peak) {
  const std::string name = flags.shape.empty() ? flags.model.model : flags.shape;
  if (flags.json) {
    std::cout << nlohmann::json{{"schema_version", 1},
                                {"model", name},
                                {"bench", what},
                                {"tokens", size},
                                {"threads", flags.model.thread_count()},
                                {"repeat", flags.repeat},
                                {"tokens_per_second", f.tokens / f.seconds},
                                {"seconds", f.seconds},
                                {"peak_rss_bytes", f.rss},
                                {"peak_private_bytes", f.anonymous},
                                {"fraction_of_peak", f.used / peak}}
              << std::endl;
    return;
  }
  std::printf("%s %s %lld: %.1f tokens/s, %.2f s, %.0f %% of the peak, private %.0f MiB, resident %.0f MiB\n",
              name.c_str(), what, static_cast<long long>(size), f.tokens / f.seconds, f.seconds, 100 * f.used / peak,
              static_cast<double>(f.anonymous) / (1 << 20), static_cast<double>(f.rss) / (1 << 20));
}

void run_prefill(const Flags& flags) {
  const std::int64_t tokens = parse_count("--tokens", flags.tokens);
  const Subject subject = open_subject(flags, tokens);
  Threads threads(flags.model.thread_count());
  const auto ids = bench_ids(flags, *subject.model, static_cast<std::size_t>(tokens));
  std::vector<double> seconds(static_cast<std::size_t>(flags.repeat));
  for (double& s : seconds) s = prefill_seconds(*subject.model, threads, flags, ids);
  sample_private_peak();
  const Plan plan = make_plan(subject.plan, {tokens, flags.chunk_rows, threads.count()});
  const double flops = plan.flops[0].amount + plan.flops[1].amount;
  const Figures figures{static_cast<double>(tokens), median(seconds), flops / median(seconds)};
  report(flags, "prefill", tokens, figures, measure_bf16(threads));
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

void run_decode(const Flags& flags) {
  constexpr int kTokens = 32;
  const std::int64_t depth = flags.depth == "0" ? 0 : parse_count("--depth", flags.depth);
  const Subject subject = open_subject(flags, depth + kTokens * (flags.repeat + 1));
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
  const Figures figures{kTokens, median(seconds), bytes};
  report(flags, "decode", depth, figures, measure_dram(threads));
}

void add_run_flags(CLI::App* c, Flags& flags) {
  flags.model.add_to(*c);
  c->add_option("--shape", flags.shape, "random Q4_0 weights of this shape instead of a model (see tome plan)");
  c->add_option("--layers", flags.layers, "layers of --shape")->check(CLI::Range(1, 200))->capture_default_str();
  c->add_option("--folder", flags.folder, "where the weights of --shape lie meanwhile")->capture_default_str();
  c->add_option("--repeat", flags.repeat, "runs; the median counts")->check(CLI::Range(1, 1000))->capture_default_str();
  c->add_flag("--json", flags.json, "one JSON object on stdout");
}

}  // namespace

void add_bench(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* bench = app.add_subcommand("bench", "speed of the kernels and of whole models beside this machine's peak");
  bench->footer(
      "examples:\n  tome bench\n  tome bench prefill --model smollm2 --tokens 8k\n"
      "  tome bench prefill --shape llama-3.1-8b --layers 2 --tokens 100000");
  auto threads = std::make_shared<int>(0);
  auto tokens = std::make_shared<std::string>("8k");
  bench->add_option("-t,--threads", *threads, "threads")->check(CLI::Range(1, 1024));
  bench->add_option("--tokens", *tokens, "keys that the attention kernels see")->capture_default_str();
  CLI::App* prefill = bench->add_subcommand("prefill", "reading: tokens a second");
  add_run_flags(prefill, *flags);
  prefill->add_option("--tokens", flags->tokens, "tokens to read")->capture_default_str();
  prefill->add_option("--chunk-rows", flags->chunk_rows, "tokens in a chunk")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  prefill->add_option("--text", flags->text, "a document to take the tokens from; default: made-up ones");
  CLI::App* decode = bench->add_subcommand("decode", "answering: tokens a second");
  add_run_flags(decode, *flags);
  decode->add_option("--depth", flags->depth, "tokens read before, 0 for none")->capture_default_str();
  prefill->callback([flags] { run_prefill(*flags); });
  decode->callback([flags] { run_decode(*flags); });
  bench->callback([=] {
    if (!prefill->parsed() && !decode->parsed()) {
      bench_kernels(*threads > 0 ? *threads : usable_cores(), static_cast<int>(parse_count("--tokens", *tokens)));
    }
  });
}

}  // namespace tome::cli
