#include "eval/answerers/api_key.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "eval/answerers/api_request.h"

namespace tome::eval {

ApiKey::ApiKey(ApiKind kind, const std::string& variable, const HttpUrl& url)
    : kind_(kind), variable_(variable.empty() ? default_key_variable(kind) : variable) {
  const char* value = std::getenv(variable_.c_str());
  if (value != nullptr) key_ = value;
  if (variable.empty() && !url.https && !url.loopback()) key_.clear();
  if (key_.empty() && !variable.empty()) throw_user_error("the environment variable ", variable_, " is not set");
  if (key_.empty() && kind == ApiKind::kAnthropic && url.https) {
    throw_user_error(url.text(), " needs a key; set ", variable_, ", or name another variable with --key-variable");
  }
  if (!std::all_of(key_.begin(), key_.end(), [](char c) { return c > 0x20 && c < 0x7f; })) {
    throw_user_error(variable_, ": holds characters that no key has, such as a space or a line end; set it again");
  }
}

HttpHeaders ApiKey::headers() const {
  HttpHeaders headers;
  if (kind_ == ApiKind::kAnthropic) headers.emplace_back("anthropic-version", "2023-06-01");
  if (key_.empty()) return headers;
  if (kind_ == ApiKind::kAnthropic) {
    headers.emplace_back("x-api-key", key_);
  } else {
    headers.emplace_back("Authorization", cat("Bearer ", key_));
  }
  return headers;
}

std::string ApiKey::removed_from(std::string text) const {
  constexpr std::size_t kShortest = 8;  // a shorter one ("none") is no secret, and part of other words
  if (key_.size() < kShortest) return text;
  for (std::size_t at = text.find(key_); at != std::string::npos; at = text.find(key_, at)) {
    text.replace(at, key_.size(), "[key]");
  }
  return text;
}

}  // namespace tome::eval
