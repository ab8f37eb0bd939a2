#include "eval/answerers/http_url.h"

#include <charconv>

#include "base/error.h"
#include "formats/printable.h"

namespace tome::eval {
namespace {

constexpr const char* kLettersAndDigits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool only(std::string_view text, const std::string& characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

}  // namespace

bool HttpUrl::loopback() const {
  return host == "localhost" || host == "::1" || (host.starts_with("127.") && only(host, "0123456789."));
}

std::string HttpUrl::text() const {
  const bool v6 = host.find(':') != std::string::npos;
  const bool usual = port == (https ? 443 : 80);
  return cat(https ? "https://" : "http://", v6 ? "[" : "", host, v6 ? "]" : "", usual ? "" : cat(":", port), path);
}

HttpUrl parse_http_url(const std::string& text) {
  const auto refuse = [&](const char* why) {
    // A URL that holds a user name may hold a password: it is not repeated.
    const bool secret = text.find('@') != std::string::npos;
    throw_user_error("URL ", secret ? "with a user name" : in_quotes(text), ": ", why,
                     "; expected http://host:port/v1 or https://host/v1");
  };
  HttpUrl url;
  url.https = text.starts_with("https://");
  if (!url.https && !text.starts_with("http://")) refuse("no http:// or https:// before it");
  std::string_view rest = std::string_view(text).substr(url.https ? 8 : 7);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  rest.remove_prefix(authority.size());
  const bool v6 = authority.starts_with('[');
  const std::size_t host_end = v6 ? authority.find(']') : authority.find(':');
  if (v6 && host_end == std::string_view::npos) refuse("a bracket is not closed");
  url.host = authority.substr(v6 ? 1 : 0, v6 ? host_end - 1 : host_end);
  if (!only(url.host, v6 ? "0123456789abcdefABCDEF:." : cat(kLettersAndDigits, ".-_"))) refuse("no host name");
  url.port = url.https ? 443 : 80;
  const std::size_t colon = v6 ? host_end + 1 : host_end;
  if (colon < authority.size()) {
    const std::string_view number = authority.substr(colon + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), url.port);
    const bool whole = error == std::errc() && end == number.data() + number.size();
    if (authority[colon] != ':' || !whole || url.port < 1 || url.port > 65535) refuse("not a port");
  }
  while (rest.ends_with('/')) rest.remove_suffix(1);
  url.path = rest;
  if (!rest.empty() && !only(rest, cat(kLettersAndDigits, "/.-_~%+:=,"))) refuse("a path of other characters");
  return url;
}

}  // namespace tome::eval
