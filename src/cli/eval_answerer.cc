#include "cli/eval_answerer.h"

#include <cstdio>
#include <iostream>

#include "base/error.h"
#include "cli/output.h"
#include "eval/answerers/answers_file.h"
#include "eval/answerers/local_answerer.h"
#include "model/rope.h"

namespace tome::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string hex(std::uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

json describe(const OpenModel& open, const AnswererFlags& flags, const Layout& layout) {
  const std::string model = fs::path(flags.model.model).stem().string();
  const std::string adapter = fs::path(flags.model.adapter).lexically_normal().filename().string();
  const ModelConfig& config = open.model->config();
  const bool adapted = !flags.model.adapter.empty();
  return {{"name", adapted ? cat(model, " + ", adapter) : model},
          {"kind", "local"},
          {"model", model},
          {"model_hash", hex(open.model->fingerprint())},
          {"adapter", adapted ? json(adapter) : json()},
          {"adapter_hash", adapted ? json(hex(open.adapter_fingerprint())) : json()},
          {"window", config.context_length},
          {"rope_scaling", to_string(config.rope_scaling)},
          {"layout", layout.name},
          {"kv", flags.model.kv},
          {"exact", flags.model.exact}};
}

}  // namespace

EvalAnswerer::EvalAnswerer(const AnswererFlags& flags, const fs::path& folder) : flags_(flags) {
  if (!flags.answers.empty() && !flags.service.api.empty()) {
    throw_user_error("--answers: goes without --api; a file of answers needs nobody to answer");
  }
  if (flags.answers.empty() && flags.service.api.empty()) {
    open_local(folder);
    return;
  }
  open_tokenizer_alone();
  if (!flags.model.context.empty()) window_ = parse_count("--context", flags.model.context);
  if (!flags.answers.empty()) {
    answerer_ = std::make_unique<eval::AnswersFile>(flags.answers);
  } else {
    open_service(folder);
  }
}

void EvalAnswerer::open_local(const fs::path& folder) {
  open_.emplace(open_model(flags_.model));
  tokenizer_ = open_->tokenizer.get();
  threads_.emplace(flags_.model.thread_count());
  window_ = open_->model->config().context_length;
  eval::LocalAnswerer::Options options;
  options.session.exact = flags_.model.exact;
  options.session.kv = flags_.model.kv_type();
  options.session.adapters = open_->adapters();
  options.session.adapter_fingerprint = open_->adapter_fingerprint();
  options.folder = folder / "reading";
  options.layout = &choose_layout(*open_, flags_.model, flags_.layout);
  options.description = describe(*open_, flags_, *options.layout);
  auto local = std::make_unique<eval::LocalAnswerer>(*open_->model, *tokenizer_, *threads_, std::move(options));
  frame_ = local->frame_tokens();
  answerer_ = std::move(local);
}

void EvalAnswerer::open_service(const fs::path& folder) {
  const ServiceFlags& flags = flags_.service;
  if (flags.model.empty()) throw_user_error("--api: needs --api-model, the name that the service knows the model by");
  service_.kind = eval::find_api_kind(flags.api);
  service_.connection.url = flags.url;
  service_.connection.key_variable = flags.key_variable;
  service_.connection.timeout_seconds = flags.timeout;
  service_.connection.retries = flags.retries;
  service_.connection.requests_per_minute = flags.requests_per_minute;
  service_.connection.raw_folder = folder / "raw";
  service_.prompt.model = flags.model;
  service_.concurrency = flags.concurrency;
  service_.cost_limit = flags.cost_limit;
  if (!flags.prices.empty()) service_.price = eval::Prices(flags.prices).of(flags.model);
  answerer_ = std::make_unique<eval::ApiAnswerer>(service_);
}

void EvalAnswerer::open_tokenizer_alone() {
  const std::string& name = flags_.tokenizer.empty() ? flags_.model.model : flags_.tokenizer;
  lone_tokenizer_ = open_tokenizer(find_model(name));
  tokenizer_ = lone_tokenizer_.tokenizer.get();
}

void EvalAnswerer::agree_on_cost(std::span<const PlannedView> views,
                                 const std::vector<std::vector<std::size_t>>& wanted) const {
  if (flags_.service.api.empty() || !service_.price) return;
  const auto count = [this](std::string_view text) {
    return static_cast<std::int64_t>(tokenizer_->encode(text).ids.size());
  };
  eval::CostEstimate all;
  for (std::size_t i = 0; i < views.size(); ++i) {
    const eval::CostEstimate one =
        eval::estimate_cost(views[i].set, wanted[i], service_.kind, service_.prompt, count, *service_.price);
    all.prompt_tokens += one.prompt_tokens;
    all.answer_tokens += one.answer_tokens;
    all.dollars += one.dollars;
  }
  char dollars[32];
  std::snprintf(dollars, sizeof dollars, "$%.2f", all.dollars);
  const std::string estimate = cat("about ", dollars, " for ", all.prompt_tokens, " tokens of text and at most ",
                                   all.answer_tokens, " of answers (tokens by the tokenizer of this run)");
  if (!flags_.model.quiet) std::cerr << one_line(cat(flags_.service.model, ": ", estimate)) << '\n';
  if (all.dollars > 0 && !flags_.service.yes && flags_.service.cost_limit == 0) {
    throw_user_error(flags_.service.model, ": ", estimate, "; give --yes to go on, or --cost-limit DOLLARS");
  }
}

}  // namespace tome::cli
