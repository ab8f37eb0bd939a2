// Any bytes as what a model service sends: an answer, an error, embeddings, a Retry-After header, or a UserError. The
// first byte says of which kind of service.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "eval/answerers/api_response.h"
#include "eval/answerers/api_retry.h"
#include "text/utf8.h"

namespace {

using namespace tome::eval;

template <typename Use>
void try_use(const Use& use) {
  try {
    use();
  } catch (const tome::UserError& error) {
    TOME_CHECK(std::string_view(error.what()).find('\n') == std::string_view::npos);
  }
}

void check_text(std::string_view text) { TOME_CHECK(tome::find_invalid_utf8(text) == text.size()); }

void check_answer(ApiKind kind, std::string_view body) {
  const EvalAnswer answer = parse_answer(kind, body);
  check_text(answer.text);
  TOME_CHECK(answer.error.empty() && !answer.finish_reason.empty());
  TOME_CHECK(answer.prompt_tokens >= 0 && answer.answer_tokens >= 0);
}

void check_embeddings(std::string_view body, std::size_t count) {
  const auto vectors = parse_embeddings(body, count);
  TOME_CHECK(vectors.size() == count);
  for (const auto& vector : vectors) {
    TOME_CHECK(!vector.empty() && vector.size() == vectors.front().size());
    for (const float value : vector) TOME_CHECK(std::isfinite(value));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr ApiKind kKinds[] = {ApiKind::kOpenai, ApiKind::kOpenaiCompletions, ApiKind::kAnthropic};
  try_use([&] { check_answer(kKinds[data[0] % 3], body); });
  try_use([&] { check_embeddings(body, 1 + data[0] / 3 % 4); });
  const ApiError error = parse_error(body);
  check_text(error.message);
  TOME_CHECK(error.message.find('\n') == std::string::npos && error.message.size() <= 303);
  if (const auto wait = retry_after(body, std::chrono::system_clock::now()))
    TOME_CHECK(*wait >= 0 && std::isfinite(*wait));
  return 0;
}
