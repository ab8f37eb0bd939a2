// Addresses of model services.
#pragma once

#include <string>

namespace tome::eval {

struct HttpUrl {
  bool https = false;
  std::string host;  // an IPv6 address stands without its brackets
  int port = 0;
  std::string path;  // begins with '/', or empty

  bool loopback() const;
  std::string text() const;
};

/// "https://host[:port][/path]", slashes at its end left out. Throws UserError for anything else: user names, queries,
/// spaces, control characters.
HttpUrl parse_http_url(const std::string& text);

}  // namespace tome::eval
