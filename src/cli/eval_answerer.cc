#include "cli/eval_answerer.h"

#include <cstdio>

#include <utility>

#include "base/error.h"
#include "base/number_text.h"
#include "cli/eval_service.h"
#include "eval/answerers/answers_file.h"
#include "eval/answerers/local_answerer.h"
#include "model/rope.h"

namespace tome::cli {
namespace {

constexpr const char* kBaseLayout = "qa-example";  // what a model without a chat template gets here

namespace fs = std::filesystem;
using nlohmann::json;

json describe(const OpenModel& open, const AnswererFlags& flags, const Layout& layout) {
  const std::string model = fs::path(flags.model.model).stem().string();
  const std::string adapter = fs::path(flags.model.adapter).lexically_normal().filename().string();
  const ModelConfig& config = open.model->config();
  const bool adapted = !flags.model.adapter.empty();
  return {{"name", adapted ? cat(model, " + ", adapter) : model},
          {"kind", "local"},
          {"model", model},
          {"model_hash", hex_digits(open.model->fingerprint())},
          {"adapter", adapted ? json(adapter) : json()},
          {"adapter_hash", adapted ? json(hex_digits(open.adapter_fingerprint())) : json()},
          {"window", config.context_length},
          {"rope_scaling", to_string(config.rope_scaling)},
          {"layout", layout.name},
          {"kv", flags.model.kv},
          {"exact", flags.model.exact}};
}

}  // namespace

EvalAnswerer::EvalAnswerer(const AnswererFlags& flags, const fs::path& folder, std::function<double()> spent)
    : flags_(flags) {
  if (!flags.answers.empty() && !flags.service.who.api.empty()) {
    throw_user_error("--answers: goes without --api; a file of answers needs nobody to answer");
  }
  if (flags.answers.empty() && flags.service.who.api.empty()) {
    open_local(folder);
    return;
  }
  if (!flags.model.adapter.empty()) {
    throw_user_error("--adapter: goes without ", flags.answers.empty() ? "--api" : "--answers",
                     "; it belongs to a model on this machine");
  }
  open_tokenizer_alone();
  if (!flags.model.context.empty()) window_ = parse_count("--context", flags.model.context);
  if (!flags.answers.empty()) {
    answerer_ = std::make_unique<eval::AnswersFile>(flags.answers);
  } else {
    open_service(folder, std::move(spent));
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
  options.layout = &choose_layout(*open_, flags_.model, flags_.layout, default_layout(*open_->tokenizer));
  options.description = describe(*open_, flags_, *options.layout);
  auto local = std::make_unique<eval::LocalAnswerer>(*open_->model, *tokenizer_, *threads_, std::move(options));
  frame_ = local->frame_tokens();
  answerer_ = std::move(local);
}

void EvalAnswerer::open_service(const fs::path& folder, std::function<double()> spent) {
  const ServiceName& who = flags_.service.who;
  if (who.model.empty()) throw_user_error("--api: needs --api-model, the name that the service knows the model by");
  service_ = service_options(flags_, who, folder, std::move(spent));
  if (service_.kind == eval::ApiKind::kOpenaiCompletions) {
    choose_service_layout();
  } else if (!flags_.layout.empty()) {
    throw_user_error("--layout: goes with a model on this machine or --api openai-completions; chats have their own");
  }
  answerer_ = std::make_unique<eval::ApiAnswerer>(service_);
}

void EvalAnswerer::choose_service_layout() {
  const Layout& layout = find_layout(flags_.layout.empty() ? kBaseLayout : flags_.layout);
  if (layout.control_tokens) {
    throw_user_error("--layout ", layout.name,
                     ": holds control tokens, which text completions read as plain words; "
                     "take --api openai for a chat model, or a layout of words");
  }
  service_.prompt.layout = &layout;
  const eval::TokenCount tokens = count();
  for (const std::string* words :
       {&layout.before_document, &layout.after_document, &layout.before_question, &layout.after_question}) {
    frame_ += tokens(*words);
  }
}

void EvalAnswerer::open_tokenizer_alone() {
  const std::string& name = flags_.tokenizer.empty() ? flags_.model.model : flags_.tokenizer;
  lone_tokenizer_ = open_tokenizer(find_model(name));
  tokenizer_ = lone_tokenizer_.tokenizer.get();
}

eval::TokenCount EvalAnswerer::count() const {
  return [this](std::string_view text) { return static_cast<std::int64_t>(tokenizer_->encode(text).ids.size()); };
}

void EvalAnswerer::add_cost(eval::CostEstimate& all, const PlannedView& view,
                            const std::vector<std::size_t>& wanted) const {
  if (!service_.price) return;
  all += eval::estimate_cost(view.set, wanted, service_.kind, service_.prompt, count(), *service_.price);
}

}  // namespace tome::cli
