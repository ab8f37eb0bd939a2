// The keys of one object in a config.json, read strictly.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "formats/printable.h"
#include "model/config_limits.h"

namespace tome {

/// Remembers which keys were read, so that the others can be refused. A null counts as absent, as in transformers.
class JsonKeys {
 public:
  /// `object` must outlive this; `prefix` is its place in the file: "" or "rope_parameters.". Throws UserError when it
  /// is no object.
  JsonKeys(const nlohmann::json& object, std::string where, std::string prefix = "");

  /// Also when it is null.
  bool contains(const std::string& key) const { return object_.contains(key); }
  bool has(const std::string& key) const { return object_.contains(key) && !object_.at(key).is_null(); }

  /// std::nullopt when absent; UserErrors for another type or a value outside `limits`.
  std::optional<std::int64_t> find_integer(const std::string& key, Limits<std::int64_t> limits);
  std::optional<double> find_number(const std::string& key, Limits<double> limits);
  std::optional<bool> find_bool(const std::string& key);
  std::optional<std::string> find_string(const std::string& key);
  std::optional<std::vector<std::string>> find_strings(const std::string& key);
  /// nullptr when absent; UserError when it is no object.
  const nlohmann::json* find_object(const std::string& key);

  std::int64_t integer(const std::string& key, Limits<std::int64_t> limits);
  std::size_t size(const std::string& key, Limits<std::int64_t> limits);
  std::size_t size(const std::string& key, Limits<std::int64_t> limits, std::size_t absent);

  /// The value must be `only` if the key is there: anything else is mathematics that tome does not do.
  void expect(const std::string& key, const nlohmann::json& only);
  /// Read by nobody, changes nothing.
  void ignore(std::initializer_list<const char*> keys) { read_.insert(keys.begin(), keys.end()); }
  /// UserError for the first key with a value that nobody read.
  void refuse_unread() const;

  template <typename... Parts>
  [[noreturn]] void fail(const std::string& key, const Parts&... parts) const {
    throw_user_error(where_, ": key ", in_quotes(prefix_ + key), ": ", parts...);
  }
  const std::string& where() const { return where_; }
  const std::string& prefix() const { return prefix_; }

 private:
  /// nullptr when absent.
  const nlohmann::json* find(const std::string& key);
  template <typename T>
  T in(Limits<T> limits, const std::string& key, T value) const;

  const nlohmann::json& object_;
  std::string where_, prefix_;
  std::set<std::string> read_;
};

/// A value as it stands in the file, cut to fit a message.
std::string shown(const nlohmann::json& value);

}  // namespace tome
