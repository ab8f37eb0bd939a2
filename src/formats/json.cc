#include "formats/json.h"

#include <simdjson.h>

#include <optional>

#include "base/error.h"

namespace tome {
namespace {

using nlohmann::json;

std::size_t keys_in(const json& value) {
  std::size_t count = value.is_object() ? value.size() : 0;
  if (value.is_structured()) {
    for (const json& inner : value) count += keys_in(inner);
  }
  return count;
}

json parse_strictly(std::span<const std::byte> text, const std::string& where, int deepest) {
  std::size_t keys = 0;
  const auto watch = [&](int depth, json::parse_event_t event, const json&) {
    const bool opens = event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (opens && depth >= deepest) {
      throw_user_error(where, ": not valid JSON here, got nesting deeper than ", deepest);
    }
    keys += event == json::parse_event_t::key ? 1 : 0;
    return true;
  };
  json value;
  try {
    const auto* begin = reinterpret_cast<const char*>(text.data());
    value = json::parse(begin, begin + text.size(), watch);
  } catch (const json::parse_error& error) {
    throw_user_error(where, ": not valid JSON, the mistake is at byte ", error.byte);
  } catch (const json::exception&) {
    throw_user_error(where, ": not valid JSON, a number is out of range");
  }
  if (keys_in(value) != keys) throw_user_error(where, ": not valid JSON here, a key appears twice in an object");
  return value;
}

// From simdjson's value; false for what the strict parser may refuse or read in another way.
bool convert(const simdjson::dom::element& from, int deepest, json& to) {
  using Type = simdjson::dom::element_type;
  switch (from.type()) {
    case Type::OBJECT:
      to = json::object();
      if (deepest == 0) return false;
      for (const auto& [key, value] : simdjson::dom::object(from)) {
        const auto [place, added] = to.emplace(key, nullptr);
        if (!added || !simdjson::validate_utf8(key) || !convert(value, deepest - 1, *place)) return false;
      }
      return true;
    case Type::ARRAY:
      to = json::array();
      if (deepest == 0) return false;
      for (const simdjson::dom::element value : simdjson::dom::array(from)) {
        if (!convert(value, deepest - 1, to.emplace_back())) return false;
      }
      return true;
    case Type::STRING:
      to = std::string_view(from);
      return simdjson::validate_utf8(std::string_view(from));  // half a surrogate pair is none
    case Type::INT64: {
      const std::int64_t number(from);
      to = number >= 0 ? json(static_cast<std::uint64_t>(number)) : json(number);
      return true;
    }
    case Type::UINT64:
      to = std::uint64_t(from);
      return true;
    case Type::DOUBLE:
      to = double(from);
      return true;
    case Type::BOOL:
      to = bool(from);
      return true;
    case Type::NULL_VALUE:
      to = nullptr;
      return true;
  }
  return false;
}

}  // namespace

// simdjson reads long texts some ten times as fast; what it refuses, the strict parser refuses in good words.
json parse_json(std::span<const std::byte> text, const std::string& where, int deepest) {
  if (text.empty()) throw_user_error(where, ": not valid JSON, it is empty");  // simdjson would copy from null
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const auto* begin = reinterpret_cast<const char*>(text.data());
  json value;
  if (parser.parse(begin, text.size()).get(root) == simdjson::SUCCESS && convert(root, deepest, value)) return value;
  return parse_strictly(text, where, deepest);
}

}  // namespace tome
