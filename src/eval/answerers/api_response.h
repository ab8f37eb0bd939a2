// What a model service sends back, as text from a stranger: answers, errors, embeddings. Formats: OpenAI's API
// reference (chat/completions, completions, embeddings), Anthropic's Messages API.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "eval/answerer.h"

namespace tome::eval {

enum class ApiKind { kOpenai, kOpenaiCompletions, kAnthropic };

/// Text, finish_reason ("stop", "length", or the service's own word), prompt_tokens and answer_tokens (0: not stated)
/// of a response with status 200. Throws UserError saying what is missing in it.
EvalAnswer parse_answer(ApiKind kind, std::string_view body);

struct ApiError {
  std::string message;     // one line, of valid UTF-8; empty: the body says nothing that we understand
  bool too_long = false;   // the input does not fit the model
  bool no_credit = false;  // the account has nothing left: it makes no sense to try again
};

/// Of a response with an error status. Takes anything.
ApiError parse_error(std::string_view body);

/// `count` vectors of one length and of finite numbers, in the order of the inputs. Throws UserError.
std::vector<std::vector<float>> parse_embeddings(std::string_view body, std::size_t count);

}  // namespace tome::eval
