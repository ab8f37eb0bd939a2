// tome perplexity FILE: how well a model predicts a text.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "read/text_losses.h"
#include "text/document.h"

namespace tome::cli {
namespace {

constexpr std::size_t kDefaultTokens = 4096;

struct Flags {
  ModelFlags model;
  std::string file, dtype = "bf16";
  bool json = false;
};

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
  LossOptions options;
  options.precision = flags.model.exact ? Precision::kExact : Precision::kInt8;
  options.kv = kv;
  options.float32 = flags.dtype == "f32";
  options.adapters = open.adapters();
  const std::vector<double> nll = text_losses(*open.model, threads, options, ids);
  double total = 0;
  for (const double x : nll) total += x;
  const double mean = total / static_cast<double>(nll.size());
  if (!std::isfinite(mean)) {
    throw_user_error(open.model->path().string(), ": its scores are not finite (loss ", mean,
                     "); the model or the adapter is damaged, get it again");
  }
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
