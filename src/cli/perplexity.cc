// tome perplexity FILE: how well a model predicts a text.
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

struct Flags {
  ModelFlags model;
  std::string file;
  std::string tokens = "4096";
  bool json = false;
};

template <typename T>
std::vector<double> losses(const Model& model, Threads& threads, Precision precision, ops::KvType kv_type, std::span<const TokenId> ids) {
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
  forward<T>(model, threads, options, pass);
  std::vector<double> result(rows);
  token_losses<T>(model, threads, x.data(), ids.subspan(1), Precision::kExact, result);
  return result;
}

void run(const Flags& flags) {
  const OpenModel open = open_model(flags.model);
  Threads threads(flags.model.thread_count());
  const Document document = read_documents({flags.file});
  std::vector<TokenId> ids;
  if (open.tokenizer->add_bos()) ids.push_back(open.tokenizer->bos());
  const Encoded encoded = open.tokenizer->encode(document.text);
  ids.insert(ids.end(), encoded.ids.begin(), encoded.ids.end());
  const auto wanted = static_cast<std::size_t>(parse_count("--tokens", flags.tokens));
  if (ids.size() < wanted) {
    throw_user_error(flags.file, ": ", ids.size(), " tokens, but --tokens asks for ", wanted, "; ask for fewer");
  }
  if (wanted < 2) throw_user_error("--tokens: got ", wanted, ", expected at least 2");
  ids.resize(wanted);
  const Precision precision = flags.model.exact ? Precision::kExact : Precision::kInt8;
  const auto nll = flags.model.dtype == "f32" ? losses<float>(*open.model, threads, precision, flags.model.kv_type(), ids)
                                              : losses<bf16>(*open.model, threads, precision, flags.model.kv_type(), ids);
  double total = 0;
  for (const double x : nll) total += x;
  const double mean = total / static_cast<double>(nll.size());
  if (flags.json) {
    std::cout << nlohmann::json{{"schema_version", 1}, {"perplexity", std::exp(mean)}, {"loss", mean}, {"tokens", nll.size()}}
              << '\n';
  } else {
    std::cout << "perplexity " << std::exp(mean) << " over " << nll.size() << " predicted tokens (loss " << mean << ")\n";
  }
}

}  // namespace

void add_perplexity(CLI::App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("perplexity", "how well a model predicts a text");
  flags->model.add_to(*command);
  command->add_option("FILE", flags->file, "a document, or - for stdin")->required();
  command->add_option("--tokens", flags->tokens, "tokens from the start of the text, BOS included")->capture_default_str();
  command->add_flag("--json", flags->json, "one JSON object on stdout");
  command->callback([flags] { run(*flags); });
}

}  // namespace tome::cli
