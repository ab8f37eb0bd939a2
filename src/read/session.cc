#include "read/session.h"

#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <sstream>
#include <utility>

#include "base/error.h"
#include "base/resources.h"
#include "model/head.h"
#include "text/utf8.h"

namespace tome {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::uint64_t hash_bytes(const void* data, std::size_t bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(data, bytes, seed);
}

std::uint64_t settings_hash(const Model& model, std::uint64_t tokenizer, const SessionOptions& options) {
  const ModelConfig& config = model.config();
  const RopeScaling& rope = config.rope_scaling;
  const int products = options.exact ? 1 : 2;  // 2: int8 but for queries and keys; 0 was int8 throughout
  std::ostringstream out;
  out.precision(17);
  out << kReadingVersion << ' ' << model.fingerprint() << ' ' << tokenizer << ' ' << options.adapter_fingerprint << ' '
      << products << ' ' << static_cast<int>(rope.kind) << ' ' << rope.factor << ' ' << rope.original_context << ' '
      << rope.beta_fast << ' ' << rope.beta_slow << ' ' << rope.attention_factor << ' ' << rope.mscale << ' '
      << rope.mscale_all_dim << ' ' << rope.truncate << ' ' << rope.low_frequency_factor << ' '
      << rope.high_frequency_factor << ' ' << config.rope_theta << ' ' << config.rope_theta_sliding << ' '
      << (rope.kind == RopeKind::kDynamicNtk ? config.context_length : 0) << ' ' << ops::to_string(options.kv);
  for (const float factor : rope.frequency_factors) out << ' ' << factor;
  const std::string text = out.str();
  return hash_bytes(text.data(), text.size(), 0);
}

std::string make_id(std::uint64_t settings, std::span<const TokenId> tokens) {
  char text[33];
  std::snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64,
                hash_bytes(tokens.data(), tokens.size_bytes(), settings),
                hash_bytes(tokens.data(), tokens.size_bytes(), ~settings));
  return text;
}

// Withholds text that may turn out to be the beginning of a stop string.
class StopFilter {
 public:
  explicit StopFilter(const std::vector<std::string>& stops) : stops_(stops) {}

  /// What can be shown now; sets stopped() when a stop string is complete.
  std::string push(const std::string& text) {
    held_ += text;
    std::size_t cut = std::string::npos;
    for (const std::string& stop : stops_) {
      if (!stop.empty()) cut = std::min(cut, held_.find(stop));
    }
    if (cut != std::string::npos) {
      stopped_ = true;
      held_.resize(cut);
      return flush();
    }
    std::size_t keep = 0;
    for (const std::string& stop : stops_) {
      if (stop.empty()) continue;
      for (std::size_t n = std::min(stop.size() - 1, held_.size()); n > keep; --n) {
        if (held_.compare(held_.size() - n, n, stop, 0, n) == 0) keep = n;
      }
    }
    std::string shown = held_.substr(0, held_.size() - keep);
    held_.erase(0, shown.size());
    return shown;
  }
  std::string flush() { return std::exchange(held_, {}); }
  bool stopped() const { return stopped_; }

 private:
  const std::vector<std::string>& stops_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace

Session::Session(const Model& model, std::uint64_t tokenizer_fingerprint, Threads& threads, SessionOptions options)
    : model_(model),
      config_(model.config()),
      threads_(threads),
      options_(std::move(options)),
      store_(options_.store),
      settings_(settings_hash(model, tokenizer_fingerprint, options_)) {}

ForwardOptions Session::forward_options() const {
  ForwardOptions options;
  options.precision = options_.exact ? Precision::kExact : Precision::kInt8;
  options.chunk_rows = options_.chunk_rows;
  options.adapters = options_.adapters;
  return options;
}

bool Session::open_kept(std::uint64_t text_hash, ReadingResult* result) {
  if (!options_.keep) return false;
  auto found = store_.find_text(settings_, text_hash, config_);
  if (!found) return false;
  chain_ = std::move(*found);
  store_.touch(chain_.leaf().info().id);
  *result = {chain_.tokens(), chain_.tokens(), 0, chain_.leaf().path()};
  return true;
}

ReadingResult Session::read(const ReadingInput& input, const std::function<void(const ReadingProgress&)>& progress,
                            const std::atomic<bool>& stop) {
  const auto start = std::chrono::steady_clock::now();
  TOME_CHECK(!input.tokens.empty() && input.offsets.size() == input.tokens.size() + 1);
  const auto tokens = static_cast<std::int64_t>(input.tokens.size());
  auto [parent, common] =
      options_.keep ? store_.find_prefix(settings_, input.tokens, config_) : std::pair<ReadingChain, std::int64_t>();
  if (common == tokens && parent.tokens() == tokens) {  // the same tokens under another text hash
    chain_ = std::move(parent);
    store_.touch(chain_.leaf().info().id);
    return {tokens, tokens, seconds_since(start), chain_.leaf().path()};
  }
  // At least one token is read anew, and sliding layers go on from a snapshot unless the whole parent is continued.
  std::int64_t from = std::min(common, tokens - 1);
  if (config_.sliding_window > 0 && from != parent.tokens()) from = from / kSnapshot * kSnapshot;
  parent.keep_before(from);

  ReadingInfo info;
  info.id = make_id(settings_, input.tokens);
  info.settings = settings_;
  info.text_hash = input.text_hash;
  info.parent = parent.empty() ? "" : parent.leaf().info().id;
  info.first_block = from / ops::kKvBlock;
  info.document = input.name;
  info.model = model_.path().filename().string();
  info.kv = options_.kv;
  info.tokens = tokens;
  auto writer =
      std::make_unique<ReadingWriter>(store_.folder(), info, config_, input.tokens, input.offsets, options_.keep);
  if (options_.keep && store_.holds(info.id, config_)) {  // another process completed it while we waited for its lock
    writer->abandon();
    chain_ = store_.open(info.id, config_);
    return {tokens, tokens, seconds_since(start), chain_.leaf().path()};
  }
  read_rows(input, *writer, parent, from, progress, stop);
  if (options_.release_pages) return_freed_memory();
  const auto path = writer->finish();
  if (options_.keep) {
    writer.reset();
    chain_ = store_.open(info.id, config_);
    store_.touch(info.id);
    store_.evict(options_.store_bytes, info.id);
  } else {
    chain_ = ReadingChain({std::make_shared<Reading>(path, config_)});
    unnamed_ = std::move(writer);
  }
  return {tokens, from, seconds_since(start), options_.keep ? path : std::filesystem::path()};
}

void Session::read_rows(const ReadingInput& input, ReadingWriter& writer, const ReadingChain& parent, std::int64_t from,
                        const std::function<void(const ReadingProgress&)>& progress, const std::atomic<bool>& stop) {
  const auto rows = input.tokens.size() - static_cast<std::size_t>(from);
  AlignedBuffer<bf16> x(rows * config_.width);
  if (writer.layers_done() > 0) {
    writer.load_residual(x.span());
  } else {
    embed_text<bf16>(model_, std::span(input.tokens).subspan(static_cast<std::size_t>(from)), x.data());
  }
  const auto positions = consecutive_positions(from, rows);
  const auto visible = causal_ranges(from, rows, 0);
  const auto sliding = causal_ranges(from, rows, config_.sliding_window);
  auto kv = pass_kv<bf16>(config_, forward_options().precision, options_.kv);
  ForwardPass<bf16> pass;
  pass.x = x.data();
  pass.positions = positions;
  pass.visible = visible;
  pass.visible_sliding = sliding;
  pass.first_output = rows;  // the last layer's output is never used: the question comes after
  pass.first_layer = writer.layers_done();
  pass.kv = [&](std::size_t layer) -> KvSequence<bf16>& {
    kv.clear();
    parent.borrow(threads_, layer, from, kv);
    return kv;
  };
  pass.after_chunk = [&](std::size_t layer, std::size_t done) {
    if (progress) progress({layer, config_.layers, static_cast<std::int64_t>(done), static_cast<std::int64_t>(rows)});
    return !stop.load();
  };
  pass.after_layer = [&](std::size_t layer) {
    writer.write_layer(kv, x.span());
    if (options_.release_pages) parent.release(layer);
    return !stop.load();
  };
  const bool complete = forward<bf16>(model_, threads_, forward_options(), pass);
  if (!complete && writer.layers_done() < config_.layers) {
    throw Interrupted(cat("stopped after ", writer.layers_done(), " of ", config_.layers,
                          " layers; the same command goes on from there"));
  }
}

void Session::release_layer(std::size_t layer) const {
  if (!options_.release_pages) return;
  chain_.release(layer);
  model_.release_layer(layer);
}

// Runs the question through all layers; returns the logits after its last token.
std::vector<float> Session::prefill_question(std::span<const TokenId> tokens, std::vector<KvSequence<bf16>>& kv) {
  const std::int64_t from = chain_.tokens();
  AlignedBuffer<bf16> x(tokens.size() * config_.width);
  embed<bf16>(model_, tokens, x.data());
  const auto positions = consecutive_positions(from, tokens.size());
  const auto visible = causal_ranges(from, tokens.size(), 0);
  const auto sliding = causal_ranges(from, tokens.size(), config_.sliding_window);
  ForwardPass<bf16> pass;
  pass.x = x.data();
  pass.positions = positions;
  pass.visible = visible;
  pass.visible_sliding = sliding;
  pass.first_output = tokens.size() - 1;
  pass.kv = [&](std::size_t layer) -> KvSequence<bf16>& {
    chain_.borrow(threads_, layer, from, kv[layer]);
    return kv[layer];
  };
  pass.after_layer = [&](std::size_t layer) {
    release_layer(layer);
    return true;
  };
  forward<bf16>(model_, threads_, forward_options(), pass);
  if (options_.release_pages) return_freed_memory();
  std::vector<float> out(config_.vocabulary);
  logits<bf16>(model_, threads_, x.data() + (tokens.size() - 1) * config_.width, options_.exact, out);
  if (options_.release_pages) model_.release(model_.output());
  return out;
}

Answer Session::ask(std::span<const TokenId> tokens, const Tokenizer& tokenizer, const std::vector<std::string>& stops,
                    const SamplerOptions& sampling, std::int64_t most_tokens,
                    const std::function<void(std::string_view)>& on_text, const std::atomic<bool>& stop) {
  const auto start = std::chrono::steady_clock::now();
  TOME_CHECK(!tokens.empty());
  std::vector<KvSequence<bf16>> kv(config_.layers, KvSequence<bf16>(attention_shape(config_)));
  std::vector<float> scores = prefill_question(tokens, kv);
  if (std::any_of(scores.begin(), scores.end(), [](float score) { return std::isnan(score); })) {
    throw_user_error(model_.path().string(),
                     ": its scores are not numbers; the model, its adapter or the kept reading is damaged");
  }
  Answer answer;
  answer.question_tokens = static_cast<std::int64_t>(tokens.size());
  answer.finish_reason = "length";
  Decoder<bf16> decoder(model_, threads_, options_.exact, options_.adapters);
  Sampler sampler(sampling);
  Utf8Stream characters;
  StopFilter filter(stops);
  std::vector<TokenId> ids;
  const auto show = [&](const std::string& text) {
    answer.text += text;
    if (on_text && !text.empty()) on_text(text);
  };
  std::int64_t position = chain_.tokens() + answer.question_tokens;
  while (answer.answer_tokens < most_tokens) {
    const TokenId id = sampler.next(scores, ids);
    if (answer.answer_tokens == 0) answer.first_token_seconds = seconds_since(start);
    const auto& ends = tokenizer.end_tokens();
    if (std::find(ends.begin(), ends.end(), id) != ends.end()) {
      answer.finish_reason = "stop";
      break;
    }
    ids.push_back(id);
    ++answer.answer_tokens;
    show(filter.push(characters.push(tokenizer.bytes(id))));
    if (filter.stopped()) {
      answer.finish_reason = "stop";
      break;
    }
    if (stop.load()) {
      answer.finish_reason = "interrupted";
      break;
    }
    if (answer.answer_tokens == most_tokens) break;
    decoder.step(
        id, position++, [&](std::size_t layer) -> KvSequence<bf16>& { return kv[layer]; }, scores,
        [&](std::size_t layer) { release_layer(layer); });
    if (options_.release_pages) model_.release(model_.output());
  }
  if (!filter.stopped()) {
    show(filter.push(characters.finish()));
    show(filter.flush());
  }
  answer.seconds = seconds_since(start);
  return answer;
}

}  // namespace tome
