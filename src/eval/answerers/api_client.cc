#include "eval/answerers/api_client.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "eval/answerers/api_request.h"
#include "formats/printable.h"

namespace tome::eval {

struct ApiClient::Verdict {
  enum { kGood, kAgain, kFailed } outcome;
  std::string error;
};

namespace {

ApiConnection checked(ApiConnection options) {
  const auto in_range = [](const char* flag, double value, double least, double most) {
    if (!(value >= least && value <= most)) {
      throw_user_error(flag, " ", value, ": expected a number from ", least, " to ", most);
    }
  };
  in_range("--timeout", options.timeout_seconds, 0.001, 86400);
  in_range("--retries", options.retries, 0, 1000);
  in_range("--requests-per-minute", options.requests_per_minute, 0, 1e6);
  TOME_CHECK(options.first_wait_seconds >= 0 && options.longest_wait_seconds >= options.first_wait_seconds);
  return options;
}

std::string with_colon(const std::string& message) { return message.empty() ? "" : cat(": ", message); }

}  // namespace

ApiClient::ApiClient(ApiConnection options, ApiKind kind, HttpUrl endpoint)
    : options_(checked(std::move(options))),
      endpoint_(std::move(endpoint)),
      key_(kind, options_.key_variable, endpoint_),
      raw_(options_.raw_folder),
      pacer_(options_.requests_per_minute) {}

ApiReply ApiClient::post(const std::string& body, const std::string& id,
                         const std::function<void(std::string_view)>& accept, const ApiStop& stop) {
  const auto no_more = [&] { return stop.now() || stop.between(); };
  for (int attempt = 1;; ++attempt) {
    if (!pacer_.wait(no_more)) return {true, "", 0};
    const HttpResponse response = send(body, stop.now);
    if (response.failure == HttpFailure::kStopped) return {true, "", 0};
    if (response.status != 0) raw_.keep(id, attempt, endpoint_, response);
    const Verdict verdict = judge(response, accept);
    if (verdict.outcome == Verdict::kGood) return {false, "", response.seconds};
    if (verdict.outcome == Verdict::kFailed) return {false, verdict.error, 0};
    if (attempt > options_.retries) {
      if (response.failure == HttpFailure::kUnreachable) {
        throw_user_error(endpoint_.text(), ": no connection in ", attempt,
                         " attempts; check --url, or start the server");
      }
      return {false, cat(verdict.error, " (", attempt, " attempts)"), 0};
    }
    if (!wait_for(wait_before(attempt, id, response), no_more)) return {true, "", 0};
  }
}

HttpResponse ApiClient::send(const std::string& body, const std::function<bool()>& stopped) const {
  HttpResponse response =
      http_post({endpoint_, key_.headers(), body, options_.timeout_seconds, options_.largest_response}, stopped);
  response.body = key_.removed_from(std::move(response.body));
  for (auto& [name, value] : response.headers) value = key_.removed_from(std::move(value));
  return response;
}

double ApiClient::wait_before(int attempt, const std::string& id, const HttpResponse& response) {
  const double own = back_off(options_.first_wait_seconds, options_.longest_wait_seconds, attempt, options_.seed, id);
  const auto asked = retry_after(response.header("retry-after"), std::chrono::system_clock::now());
  if (!asked || *asked == 0) return own;
  const double wait = std::min(*asked, options_.longest_wait_seconds);
  if (response.status == 429) pacer_.hold(wait);  // the others would hear the same
  return wait;
}

ApiClient::Verdict ApiClient::judge(const HttpResponse& response,
                                    const std::function<void(std::string_view)>& accept) const {
  if (response.failure == HttpFailure::kCertificate) {
    throw_user_error(endpoint_.text(), ": ", response.problem, "; SSL_CERT_FILE can name the certificate to trust");
  }
  if (response.failure == HttpFailure::kTooLarge) return {Verdict::kFailed, response.problem};
  if (response.failure != HttpFailure::kNone) return {Verdict::kAgain, response.problem};
  if (response.status < 200 || response.status >= 300) return judge_status(response);
  try {
    accept(response.body);
    return {Verdict::kGood, ""};
  } catch (const UserError& error) {
    return {Verdict::kAgain, key_.removed_from(error.what())};
  }
}

ApiClient::Verdict ApiClient::judge_status(const HttpResponse& response) const {
  const int status = response.status;
  const ApiError error = parse_error(response.body);
  const std::string says = cat(status, with_colon(key_.removed_from(error.message)));
  const std::string where = endpoint_.text();
  if (status >= 300 && status < 400) {
    throw_user_error(where, ": leads to ", in_quotes(response.header("location")),
                     ", and redirects are not followed; give that URL if you trust it");
  }
  if (status == 401 || status == 403) {
    throw_user_error(where, ": the server says ", says, "; set ", key_.variable(), " to a key that it knows");
  }
  if (status == 402 || error.no_credit)
    throw_user_error(where, ": the server says ", says, "; the account has no credit");
  if (status == 404 || status == 405) {
    throw_user_error(where, ": the server says ", says, "; check --url and --api-model");
  }
  if (may_go_better(status)) return {Verdict::kAgain, says};
  return {Verdict::kFailed, cat(error.too_long || status == 413 ? "too long for the model: " : "", says)};
}

}  // namespace tome::eval
