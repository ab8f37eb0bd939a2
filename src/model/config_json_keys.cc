#include "model/config_json_keys.h"

#include <utility>

namespace tome {

using nlohmann::json;

std::string shown(const json& value) { return in_quotes(value.dump(-1, ' ', true, json::error_handler_t::replace)); }

JsonKeys::JsonKeys(const json& object, std::string where, std::string prefix)
    : object_(object), where_(std::move(where)), prefix_(std::move(prefix)) {
  if (!object_.is_object()) throw_user_error(where_, ": ", prefix_, " got ", shown(object_), ", expected an object");
}

const json* JsonKeys::find(const std::string& key) {
  read_.insert(key);
  return has(key) ? &object_.at(key) : nullptr;
}

template <typename T>
T JsonKeys::in(Limits<T> limits, const std::string& key, T value) const {
  if (!limits.contain(value)) fail(key, "got ", value, ", expected ", limits.lowest, " to ", limits.highest);
  return value;
}

std::optional<std::int64_t> JsonKeys::find_integer(const std::string& key, Limits<std::int64_t> limits) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  const bool fits = value->is_number_unsigned() ? std::in_range<std::int64_t>(value->get<std::uint64_t>())
                                                : value->is_number_integer();
  if (!fits) fail(key, "got ", shown(*value), ", expected an integer");
  return in(limits, key, value->get<std::int64_t>());
}

std::optional<double> JsonKeys::find_number(const std::string& key, Limits<double> limits) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) fail(key, "got ", shown(*value), ", expected a number");
  return in(limits, key, value->get<double>());
}

std::optional<bool> JsonKeys::find_bool(const std::string& key) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) fail(key, "got ", shown(*value), ", expected true or false");
  return value->get<bool>();
}

std::optional<std::string> JsonKeys::find_string(const std::string& key) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) fail(key, "got ", shown(*value), ", expected a string");
  return value->get<std::string>();
}

std::optional<std::vector<std::string>> JsonKeys::find_strings(const std::string& key) {
  const json* value = find(key);
  if (value == nullptr) return std::nullopt;
  bool fits = value->is_array();
  for (const json& entry : *value) fits = fits && entry.is_string();
  if (!fits) fail(key, "got ", shown(*value), ", expected an array of strings");
  return value->get<std::vector<std::string>>();
}

const json* JsonKeys::find_object(const std::string& key) {
  const json* value = find(key);
  if (value != nullptr && !value->is_object()) fail(key, "got ", shown(*value), ", expected an object");
  return value;
}

std::int64_t JsonKeys::integer(const std::string& key, Limits<std::int64_t> limits) {
  const std::optional<std::int64_t> value = find_integer(key, limits);
  if (!value) fail(key, "is missing, expected ", limits.lowest, " to ", limits.highest);
  return *value;
}

std::size_t JsonKeys::size(const std::string& key, Limits<std::int64_t> limits) {
  return static_cast<std::size_t>(integer(key, limits));
}

std::size_t JsonKeys::size(const std::string& key, Limits<std::int64_t> limits, std::size_t absent) {
  const auto value = find_integer(key, limits).value_or(static_cast<std::int64_t>(absent));
  return static_cast<std::size_t>(in(limits, key, value));
}

void JsonKeys::expect(const std::string& key, const json& only) {
  const json* value = find(key);
  if (value != nullptr && *value != only) {
    fail(key, "got ", shown(*value), ", tome can only run models where it is ", only.dump());
  }
}

void JsonKeys::refuse_unread() const {
  for (const auto& [key, value] : object_.items()) {
    if (value.is_null() || read_.contains(key)) continue;
    fail(key, "got ", shown(value), ", a setting that tome does not know and that may change the model's mathematics");
  }
}

}  // namespace tome
