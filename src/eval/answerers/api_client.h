// Requests to a model service until one goes well: pace, retries, the key, what came kept on disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "eval/answerers/api_key.h"
#include "eval/answerers/api_retry.h"
#include "eval/answerers/http_post.h"
#include "eval/answerers/raw_responses.h"

namespace tome::eval {

struct ApiConnection {
  std::string url;                    // with or without /v1 at its end; empty: the service's own
  std::string key_variable;           // empty: OPENAI_API_KEY or ANTHROPIC_API_KEY
  double timeout_seconds = 600;       // for one request, from connecting to the last byte
  int retries = 6;                    // after the first attempt
  double requests_per_minute = 0;     // all threads together; 0: no limit
  double first_wait_seconds = 1;      // before the first retry; doubles with each, with jitter
  double longest_wait_seconds = 120;  // of a back-off and of a Retry-After
  std::uint64_t seed = 1;             // of the jitter
  std::uint64_t largest_response = 64ull << 20;
  std::filesystem::path raw_folder;  // empty: responses are not kept
};

struct ApiStop {
  std::function<bool()> now;      // breaks a request off
  std::function<bool()> between;  // lets a request end, but starts none
};

struct ApiReply {
  bool stopped = false;  // neither an answer nor an error
  std::string error;     // one line; empty: `accept` took the response
  double seconds = 0;    // of the request that went well
};

/// Safe to share between threads.
class ApiClient {
 public:
  /// Throws UserError for settings out of range, and as ApiKey does.
  ApiClient(ApiConnection options, ApiKind kind, HttpUrl endpoint);

  /// Posts `body` until `accept`, which throws UserError for what it cannot use, takes the response. `id` names the
  /// request in the folder of responses. Throws UserError when no other request can go well: the key is refused, there
  /// is no such model or server, the account is empty.
  ApiReply post(const std::string& body, const std::string& id, const std::function<void(std::string_view)>& accept,
                const ApiStop& stop);

  const HttpUrl& endpoint() const { return endpoint_; }
  const ApiKey& key() const { return key_; }

 private:
  struct Verdict;

  Verdict judge(const HttpResponse& response, const std::function<void(std::string_view)>& accept) const;
  Verdict judge_status(const HttpResponse& response) const;
  HttpResponse send(const std::string& body, const std::function<bool()>& stopped) const;
  double wait_before(int next_attempt, const std::string& id, const HttpResponse& response);

  ApiConnection options_;
  HttpUrl endpoint_;
  ApiKey key_;
  RawResponses raw_;
  RequestPacer pacer_;
};

}  // namespace tome::eval
