// One HTTP POST: with a deadline for the whole of it, a limit to what comes back, and a way to break it off.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "eval/answerers/http_url.h"

namespace tome::eval {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  HttpUrl url;
  HttpHeaders headers;
  std::string body;
  double timeout_seconds = 600;                  // from the call to the last byte
  std::uint64_t largest_response = 64ull << 20;  // bytes of the body
};

enum class HttpFailure { kNone, kStopped, kTimeout, kUnreachable, kCertificate, kBroken, kTooLarge };

struct HttpResponse {
  HttpFailure failure = HttpFailure::kNone;
  std::string problem;  // the failure in words
  int status = 0;       // 0: none came
  HttpHeaders headers;  // names in lower case
  std::string body;     // what came of it; the beginning when it was too large
  double seconds = 0;

  /// Empty when there is none.
  std::string header(const std::string& name) const;
};

/// Redirects are not followed; certificates are checked against the system's. `stopped` is asked every few
/// milliseconds, from another thread; once it says true the call returns. Only the look-up of a host name is beyond its
/// reach.
HttpResponse http_post(const HttpRequest& request, const std::function<bool()>& stopped);

}  // namespace tome::eval
