// What a model service is sent: where, and in which words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "eval/answerers/api_response.h"
#include "eval/answerers/http_post.h"
#include "eval/sample.h"
#include "text/layout.h"

namespace tome::eval {

/// "openai", "openai-completions", "anthropic". Throws UserError listing them.
ApiKind find_api_kind(std::string_view name);
const char* name_of(ApiKind kind);
const char* default_url(ApiKind kind);
const char* default_key_variable(ApiKind kind);

/// `base` with or without /v1 at its end, and behind it /v1/NAME: "chat/completions".
HttpUrl api_endpoint(const std::string& base, std::string_view name);
HttpUrl answer_endpoint(ApiKind kind, const std::string& base);

struct ApiPrompt {
  std::string model;
  std::optional<double> temperature = 0;  // nothing: not sent, for models that refuse it
  std::int64_t min_answer_tokens = 64;    // room that a chat model gets for its pleasantries
  bool prefill = true;  // Anthropic: the answer's first words as the assistant's; false: at the end of the message
  const Layout* layout = nullptr;  // of text completions, without control tokens; null: as message_text() puts it
};

/// Document, shots, question and the answer's first words in one text. Two line ends stand after a document that has
/// none; where a shot's answer or the answer's first words follow a question without white space, one line end does.
std::string message_text(const EvalSet& set, const EvalSample& sample, bool with_answer_prefix);

/// The same for text completions, with the words of the layout around: as a model on this machine gets it.
std::string laid_out_text(const Layout& layout, const EvalSet& set, const EvalSample& sample);

/// One or the other, whole.
std::string prompt_text(ApiKind kind, const ApiPrompt& prompt, const EvalSet& set, const EvalSample& sample);

/// max_tokens of a sample.
std::int64_t answer_room(const ApiPrompt& prompt, ApiKind kind, const EvalSample& sample);

/// The JSON body. OpenAI's own service takes the answer's length as max_completion_tokens, others as max_tokens.
std::string answer_request(ApiKind kind, const HttpUrl& endpoint, const ApiPrompt& prompt, const EvalSet& set,
                           const EvalSample& sample);

}  // namespace tome::eval
