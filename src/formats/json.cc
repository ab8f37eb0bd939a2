#include "formats/json.h"

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

}  // namespace

json parse_json(std::span<const std::byte> text, const std::string& where, int deepest) {
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

}  // namespace tome
