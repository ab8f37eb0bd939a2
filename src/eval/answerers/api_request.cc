#include "eval/answerers/api_request.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace tome::eval {
namespace {

using nlohmann::json;

constexpr const char* kSpace = " \t\n\v\f\r";

bool ends_in_space(std::string_view text) {
  return text.empty() || std::string_view(kSpace).find(text.back()) != std::string_view::npos;
}

/// Appends `more` behind a question; the two words that meet stay two words.
void continue_with(std::string& text, const std::string& more) {
  if (more.empty()) return;
  if (!ends_in_space(text) && std::string_view(kSpace).find(more.front()) == std::string_view::npos) text += '\n';
  text += more;
}

}  // namespace

ApiKind find_api_kind(std::string_view name) {
  for (const ApiKind kind : {ApiKind::kOpenai, ApiKind::kOpenaiCompletions, ApiKind::kAnthropic}) {
    if (name == name_of(kind)) return kind;
  }
  throw_user_error("--api ", name, ": expected openai, openai-completions or anthropic");
}

const char* name_of(ApiKind kind) {
  switch (kind) {
    case ApiKind::kOpenai:
      return "openai";
    case ApiKind::kOpenaiCompletions:
      return "openai-completions";
    case ApiKind::kAnthropic:
      return "anthropic";
  }
  TOME_CHECK(false);
}

const char* default_url(ApiKind kind) {
  return kind == ApiKind::kAnthropic ? "https://api.anthropic.com" : "https://api.openai.com";
}

const char* default_key_variable(ApiKind kind) {
  return kind == ApiKind::kAnthropic ? "ANTHROPIC_API_KEY" : "OPENAI_API_KEY";
}

HttpUrl api_endpoint(const std::string& base, std::string_view name) {
  HttpUrl url = parse_http_url(base);
  if (!url.path.ends_with("/v1")) url.path += "/v1";
  url.path += cat("/", name);
  return url;
}

HttpUrl answer_endpoint(ApiKind kind, const std::string& base) {
  switch (kind) {
    case ApiKind::kOpenai:
      return api_endpoint(base, "chat/completions");
    case ApiKind::kOpenaiCompletions:
      return api_endpoint(base, "completions");
    case ApiKind::kAnthropic:
      return api_endpoint(base, "messages");
  }
  TOME_CHECK(false);
}

std::string message_text(const EvalSet& set, const EvalSample& sample, bool with_answer_prefix) {
  std::string text = set.documents.at(sample.document).text;
  if (!text.empty() && text.back() != '\n') text += "\n\n";
  for (const Shot& shot : sample.shots) {
    text += shot.question;
    continue_with(text, shot.answer);
    text += "\n\n";
  }
  text += sample.question;
  if (with_answer_prefix) continue_with(text, sample.answer_prefix);
  return text;
}

std::string laid_out_text(const Layout& layout, const EvalSet& set, const EvalSample& sample) {
  std::string text = cat(layout.before_document, set.documents.at(sample.document).text, layout.after_document);
  const auto ask = [&](const std::string& question, const std::string& answer) {
    text += cat(layout.before_question, question, layout.after_question);
    if (answer.empty()) return;
    text += cat(ends_in_space(text) || ends_in_space(answer.substr(0, 1)) ? "" : " ", answer);
  };
  for (const Shot& shot : sample.shots) {
    ask(shot.question, shot.answer);
    text += layout.stops.empty() ? "\n" : layout.stops.front();
  }
  ask(sample.question, sample.answer_prefix);
  return text;
}

std::string prompt_text(ApiKind kind, const ApiPrompt& prompt, const EvalSet& set, const EvalSample& sample) {
  const bool laid_out = kind == ApiKind::kOpenaiCompletions && prompt.layout != nullptr;
  return laid_out ? laid_out_text(*prompt.layout, set, sample) : message_text(set, sample, true);
}

std::int64_t answer_room(const ApiPrompt& prompt, ApiKind kind, const EvalSample& sample) {
  // A base model has no pleasantries: it goes on writing until its room is full.
  return kind == ApiKind::kOpenaiCompletions ? sample.answer_tokens
                                             : std::max(sample.answer_tokens, prompt.min_answer_tokens);
}

std::string answer_request(ApiKind kind, const HttpUrl& endpoint, const ApiPrompt& prompt, const EvalSet& set,
                           const EvalSample& sample) {
  const bool own_turn = kind == ApiKind::kAnthropic && prompt.prefill;
  const std::string text = own_turn ? message_text(set, sample, false) : prompt_text(kind, prompt, set, sample);
  json request = {{"model", prompt.model}};
  if (prompt.temperature) request["temperature"] = *prompt.temperature;
  const bool openai_itself = kind == ApiKind::kOpenai && endpoint.host == "api.openai.com";
  request[openai_itself ? "max_completion_tokens" : "max_tokens"] = answer_room(prompt, kind, sample);
  if (kind == ApiKind::kOpenaiCompletions) {
    request["prompt"] = text;
  } else {
    request["messages"] = json::array({{{"role", "user"}, {"content", text}}});
    const std::string& prefix = sample.answer_prefix;
    const std::size_t last = prefix.find_last_not_of(kSpace);  // Anthropic refuses a turn that ends in white space
    if (own_turn && last != std::string::npos) {
      request["messages"].push_back({{"role", "assistant"}, {"content", prefix.substr(0, last + 1)}});
    }
  }
  return request.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace tome::eval
