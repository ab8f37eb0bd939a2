#include "eval/tasks/json_rows.h"

#include <algorithm>

#include "base/error.h"
#include "formats/json.h"

namespace tome::eval {
namespace {

constexpr int kDeepest = 16;
constexpr std::string_view kJsonSpace = " \t\r\n";

// The end of the text in quotes that begins at `open`; the whole length when it has none.
std::size_t after_quotes(std::string_view text, std::size_t open) {
  for (std::size_t at = open + 1; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return text.size();
}

}  // namespace

const nlohmann::json& JsonRow::field(std::string_view key) const {
  const auto found = fields.find(key);
  if (found == fields.end()) refuse(key, "is not there");
  return *found;
}

const std::string& JsonRow::text(std::string_view key) const {
  const nlohmann::json& value = field(key);
  if (!value.is_string()) refuse(key, "expected a text");
  return value.get_ref<const std::string&>();
}

std::vector<std::string> JsonRow::texts(std::string_view key) const {
  const nlohmann::json& value = field(key);
  const bool all_texts =
      value.is_array() && !value.empty() &&
      std::all_of(value.begin(), value.end(), [](const nlohmann::json& element) { return element.is_string(); });
  if (!all_texts) refuse(key, "expected a list of at least one text");
  return value.get<std::vector<std::string>>();
}

std::int64_t JsonRow::number(std::string_view key, std::int64_t least) const {
  const nlohmann::json& value = field(key);
  constexpr auto kLargest = static_cast<std::uint64_t>(INT64_MAX);
  const bool fits = value.is_number_integer() && !(value.is_number_unsigned() && value.get<std::uint64_t>() > kLargest);
  if (!fits || value.get<std::int64_t>() < least) refuse(key, cat("expected a whole number of at least ", least));
  return value.get<std::int64_t>();
}

const nlohmann::json& JsonRow::list(std::string_view key) const {
  const nlohmann::json& value = field(key);
  if (!value.is_array()) refuse(key, "expected a list");
  return value;
}

void JsonRow::refuse(std::string_view key, std::string_view reason) const {
  throw_user_error(where, ": \"", key, "\": ", reason);
}

JsonRows::JsonRows(const std::filesystem::path& path) : file_(path) {
  const auto bytes = file_.bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t first = text.find_first_not_of(kJsonSpace);
  if (first == std::string_view::npos) throw_user_error(path.string(), ": is empty; expected JSON objects");
  if (text[first] == '[') {
    find_elements(text, first);
  } else {
    find_lines(text);
  }
  if (rows_.empty()) throw_user_error(path.string(), ": has no rows; expected JSON objects");
}

void JsonRows::find_lines(std::string_view text) {
  std::size_t line = 1;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (text.substr(begin, end - begin).find_first_not_of(kJsonSpace) != std::string_view::npos) {
      rows_.push_back({begin, end, line});
    }
    begin = end + 1;
  }
}

void JsonRows::find_elements(std::string_view text, std::size_t open) {
  std::size_t depth = 1, line = 1, counted = 0;
  std::size_t begin = text.find_first_not_of(kJsonSpace, open + 1);
  const auto add = [&](std::size_t end) {
    if (begin >= end) return;
    line += static_cast<std::size_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(counted),
                                                text.begin() + static_cast<std::ptrdiff_t>(begin), '\n'));
    counted = begin;
    rows_.push_back({begin, end, line});
  };
  for (std::size_t at = begin; at < text.size();) {
    const char byte = text[at];
    if (byte == '{' || byte == '[') ++depth;
    if (byte == '}' || byte == ']') --depth;
    if (depth == 0) {
      add(at);
      return;
    }
    if (byte == ',' && depth == 1) {
      add(at);
      begin = std::min(text.find_first_not_of(kJsonSpace, at + 1), text.size());
    }
    at = byte == '"' ? after_quotes(text, at) : at + 1;
  }
  throw_user_error(file_.path().string(), ": the list of rows does not end; download the file again");
}

JsonRow JsonRows::row(std::size_t index) const {
  const Place& place = rows_.at(index);
  JsonRow result{nullptr, cat(file_.path().string(), ":", place.line), place.line};
  const auto bytes = file_.bytes().subspan(place.begin, place.end - place.begin);
  result.fields = parse_json(bytes, result.where, kDeepest);
  file_.release(bytes);
  if (!result.fields.is_object()) throw_user_error(result.where, ": expected a JSON object");
  return result;
}

}  // namespace tome::eval
