// tome perplexity FILE: how well a model predicts a text.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "model/forward.h"
#include "model/head.h"
#include "text/document.h"

namespace tome::cli {
namespace {

constexpr std::size_t kDefaultTokens = 4096;

struct Flags {
  ModelFlags model;
  std::string file, dtype = "bf16";
  bool json = false;
};

template <typename T>
std::vector<double> losses(const OpenModel& open, Threads& threads, Precision precision, ops::KvType kv_type,
                           std::span<const TokenId> ids) {
  const Model& model = *open.model;
  const std::size_t rows = ids.size() - 1;  // the last token is only a target
  AlignedBuffer<T> x(rows * model.config().width);
  embed<T>(model, ids.first(rows), x.data());
  const auto positions = consecutive_positions(0, rows);
  const auto visible = causal_ranges(0, rows, 0);
  const auto sliding = causal_ranges(0, rows, model.config().sliding_window);
  KvSequence<T> kv(attention_shape(model.config()), kv_type);
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
  options.precision = precision;
  options.adapters = open.adapters();
  forward<T>(model, threads, options, pass);
  std::vector<double> result(rows);
  token_losses<T>(model, threads, x.data(), ids.subspan(1), Precision::kExact, result);
  return result;
}

// BOS and the text's tokens, the first `wanted` of them (0: as many as the window holds, at most kDefaultTokens).
std::vector<TokenId> first_tokens(const OpenModel& open, const Document& document, std::size_t wanted) {
  std::vector<TokenId> ids;
  if (open.tokenizer->add_bos()) ids.push_back(open.tokenizer->bos());
  const Encoded encoded = open.tokenizer->encode(document.text);
  ids.insert(ids.end(), encoded.ids.begin(), encoded.ids.end());
  const auto window = static_cast<std::size_t>(open.model->config().context_length);
  if (wanted == 0) wanted = std::min({kDefaultTokens, window, ids.size()});
  if (ids.size() < wanted) {
    throw_user_error(document.name, ": ", ids.size(), " tokens, but --context asks for ", wanted, "; ask for fewer");
  }
  if (wanted < 2)
    throw_user_error(document.name, ": needs at least 2 tokens, got ", wanted,
                     "; give more text or a larger --context");
  ids.resize(wanted);
  return ids;
}

void run(const Flags& flags) {
  const ops::KvType kv = flags.model.kv_type();
  if (flags.dtype == "f32" && kv != ops::KvType::kNative) {
    throw_user_error("--dtype f32: keys and values stay f32 too; leave out --kv ", flags.model.kv);
  }
  const OpenModel open = open_model(flags.model);
  Threads threads(flags.model.thread_count());
  const Document document = read_documents({flags.file});
  if (!flags.model.quiet) print_notes(document);
  const std::int64_t wanted = flags.model.context.empty() ? 0 : parse_count("--context", flags.model.context);
  const std::vector<TokenId> ids = first_tokens(open, document, static_cast<std::size_t>(wanted));
  const Precision precision = flags.model.exact ? Precision::kExact : Precision::kInt8;
  const auto nll = flags.dtype == "f32" ? losses<float>(open, threads, precision, kv, ids)
                                        : losses<bf16>(open, threads, precision, kv, ids);
  double total = 0;
  for (const double x : nll) total += x;
  const double mean = total / static_cast<double>(nll.size());
  if (flags.json) {
    std::cout << nlohmann::json{{"schema_version", 1},
                                {"model", flags.model.model},
                                {"perplexity", std::exp(mean)},
                                {"loss", mean},
                                {"tokens", nll.size()}}
              << '\n';
  } else {
    std::cout << "perplexity " << std::exp(mean) << " over " << nll.size() << " predicted tokens (loss " << mean
              << ")\n";
  }
}

}  // namespace

void add_perplexity(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("perplexity", "how well a model predicts a text");
  command->footer(
      "examples:\n  tome perplexity book.txt\n  tome perplexity book.txt --context 32k -m smollm2 --json\n\n"
      "Over the first --context tokens of the text, BOS included (default: 4,096, or all that text and window have).");
  flags->model.add_to(*command);
  flags->model.add_adapter_to(*command);
  command->add_option("FILE", flags->file, "a document, or - for stdin")->required();
  command->add_option("--dtype", flags->dtype, "number type of activations")
      ->check(CLI::IsMember({"bf16", "f32"}))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "one JSON object on stdout");
  command->callback([flags] { run(*flags); });
}

}  // namespace tome::cli
