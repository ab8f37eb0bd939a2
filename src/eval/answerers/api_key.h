// The key of a model service: from the environment into one request header, and nowhere else.
#pragma once

#include <string>

#include "eval/answerers/api_response.h"
#include "eval/answerers/http_post.h"

namespace tome::eval {

class ApiKey {
 public:
  /// From the environment variable `variable`; empty: the default one of the kind, which is sent over https or to this
  /// machine only, since it was made for another service. Throws UserError when `variable` is named and not set, when
  /// Anthropic's is absent, and when the key could not stand in a header; never with the key in the message.
  ApiKey(ApiKind kind, const std::string& variable, const HttpUrl& url);

  /// "OPENAI_API_KEY".
  const std::string& variable() const { return variable_; }
  /// The header that carries it, if there is one, and the others that the service wants.
  HttpHeaders headers() const;
  /// `text` with "[key]" wherever the key stood: a service may repeat it in its errors.
  std::string removed_from(std::string text) const;

 private:
  ApiKind kind_;
  std::string variable_, key_;
};

}  // namespace tome::eval
