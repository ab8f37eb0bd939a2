#include "eval/answerers/api_response.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "formats/json.h"
#include "text/utf8.h"

namespace tome::eval {
namespace {

using nlohmann::json;

constexpr int kDeepest = 64;
constexpr std::size_t kLongestMessage = 300;

json parse(std::string_view body) { return parse_json(std::as_bytes(std::span(body)), "the response", kDeepest); }

/// Null when `object` is none or lacks `key`.
const json& member(const json& object, const char* key) {
  static const json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

std::string string_or(const json& value, std::string_view otherwise) {
  return value.is_string() ? value.get<std::string>() : std::string(otherwise);
}

std::int64_t count_or_zero(const json& value) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 48;
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMost) return 0;
  return value.get<std::int64_t>();
}

/// A string, or the texts of a list of parts; null counts as no text.
std::string text_of(const json& content) {
  if (content.is_null()) return "";
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array()) throw_user_error("the response: an answer that is no text");
  std::string text;
  for (const json& part : content) {
    if (member(part, "type") == "text") text += string_or(member(part, "text"), "");
  }
  return text;
}

const json& first_choice(const json& response) {
  const json& choices = member(response, "choices");
  if (!choices.is_array() || choices.empty() || !choices.front().is_object()) {
    throw_user_error("the response: no \"choices\"");
  }
  return choices.front();
}

std::string finish_reason_of(const json& value) {
  const std::string reason = string_or(value, "stop");
  if (reason == "end_turn" || reason == "stop_sequence" || reason == "eos") return "stop";
  if (reason == "max_tokens") return "length";
  return reason.substr(0, 40);
}

EvalAnswer openai_answer(const json& response, bool chat) {
  const json& choice = first_choice(response);
  const json& message = member(choice, "message");
  if (chat ? !message.is_object() : !member(choice, "text").is_string()) {
    throw_user_error("the response: no ", chat ? "\"message\"" : "\"text\"", " in its first choice");
  }
  EvalAnswer answer;
  answer.text = text_of(chat ? member(message, "content") : member(choice, "text"));
  answer.finish_reason = finish_reason_of(member(choice, "finish_reason"));
  const json& usage = member(response, "usage");
  answer.prompt_tokens = count_or_zero(member(usage, "prompt_tokens"));
  answer.answer_tokens = count_or_zero(member(usage, "completion_tokens"));
  return answer;
}

EvalAnswer anthropic_answer(const json& response) {
  if (!member(response, "content").is_array()) throw_user_error("the response: no \"content\"");
  EvalAnswer answer;
  answer.text = text_of(member(response, "content"));
  answer.finish_reason = finish_reason_of(member(response, "stop_reason"));
  const json& usage = member(response, "usage");
  for (const char* part : {"input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"}) {
    answer.prompt_tokens += count_or_zero(member(usage, part));
  }
  answer.answer_tokens = count_or_zero(member(usage, "output_tokens"));
  return answer;
}

/// Control characters as spaces, cut between characters.
std::string one_line(std::string text) {
  if (text.size() > kLongestMessage) {
    text.resize(kLongestMessage);
    text.resize(find_invalid_utf8(text));
    text += "...";
  }
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

/// `error` is an object with a message, or the message itself.
ApiError error_in(const json& response) {
  const json& error = member(response, "error");
  const json& message = error.is_string() ? error : member(error, "message");
  ApiError result;
  result.message = one_line(string_or(message.is_null() ? member(response, "message") : message, ""));
  std::string all =
      cat(string_or(member(error, "code"), ""), " ", string_or(member(error, "type"), ""), " ", string_or(message, ""));
  std::transform(all.begin(), all.end(), all.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const auto says = [&](const char* words) { return all.find(words) != std::string::npos; };
  result.too_long = says("context_length") || says("context length") || says("context size") || says("context_size") ||
                    says("context window") || says("too long");
  result.no_credit = says("insufficient_quota") || says("credit balance");
  return result;
}

std::vector<float> vector_of(const json& numbers) {
  if (!numbers.is_array() || numbers.empty()) throw_user_error("the response: an embedding that is no list of numbers");
  std::vector<float> result;
  result.reserve(numbers.size());
  for (const json& number : numbers) {
    const float value = number.is_number() ? number.get<float>() : NAN;
    if (!std::isfinite(value)) throw_user_error("the response: an embedding with something that is no number");
    result.push_back(value);
  }
  return result;
}

}  // namespace

EvalAnswer parse_answer(ApiKind kind, std::string_view body) {
  const json response = parse(body);
  if (const json& error = member(response, "error"); !error.is_null()) {  // some services say 200 and mean 500
    throw_user_error("the response: an error, ", error_in(response).message);
  }
  EvalAnswer answer =
      kind == ApiKind::kAnthropic ? anthropic_answer(response) : openai_answer(response, kind == ApiKind::kOpenai);
  return answer;
}

ApiError parse_error(std::string_view body) {
  try {
    return error_in(parse(body));
  } catch (const UserError&) {
    return {};
  }
}

std::vector<std::vector<float>> parse_embeddings(std::string_view body, std::size_t count) {
  const json response = parse(body);
  const json& data = member(response, "data");
  if (!data.is_array() || data.size() != count) throw_user_error("the response: not ", count, " embeddings");
  std::vector<std::vector<float>> result(count);
  for (std::size_t i = 0; i < count; ++i) {
    const json& index = member(data[i], "index");
    const std::int64_t at = index.is_null() ? static_cast<std::int64_t>(i) : count_or_zero(index);
    if (at >= static_cast<std::int64_t>(count) || !result[static_cast<std::size_t>(at)].empty()) {
      throw_user_error("the response: an embedding with a wrong index");
    }
    result[static_cast<std::size_t>(at)] = vector_of(member(data[i], "embedding"));
  }
  for (const std::vector<float>& vector : result) {
    if (vector.size() != result.front().size()) throw_user_error("the response: embeddings of different lengths");
  }
  return result;
}

}  // namespace tome::eval
