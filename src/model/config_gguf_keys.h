// The metadata keys of one architecture in a GGUF file, read strictly.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "formats/gguf.h"
#include "formats/printable.h"
#include "model/config_limits.h"

namespace tome {

/// The keys "<architecture>.…" of a file. Remembers which were read, so that the others can be refused.
class ArchitectureKeys {
 public:
  ArchitectureKeys(const GgufFile& gguf, std::string_view architecture)
      : gguf_(gguf), prefix_(cat(architecture, ".")) {}

  bool has(std::string_view key) const { return gguf_.metadata().contains(prefix_ + std::string(key)); }

  std::int64_t integer(std::string_view key, Limits<std::int64_t> limits) {
    return in(limits, key, get<std::int64_t>(key));
  }
  std::int64_t integer(std::string_view key, Limits<std::int64_t> limits, std::int64_t absent) {
    return in(limits, key, find<std::int64_t>(key).value_or(absent));
  }
  double number(std::string_view key, Limits<double> limits) { return in(limits, key, get<double>(key)); }
  double number(std::string_view key, Limits<double> limits, double absent) {
    return in(limits, key, find<double>(key).value_or(absent));
  }
  template <typename T>
  std::optional<T> find(std::string_view key) {
    return gguf_.find<T>(*read_.insert(prefix_ + std::string(key)).first);
  }
  /// std::nullopt when it is absent or no array of bools.
  std::optional<std::vector<bool>> find_flags(std::string_view key) {
    const auto found = gguf_.metadata().find(*read_.insert(prefix_ + std::string(key)).first);
    const auto* flags = found == gguf_.metadata().end() ? nullptr : std::get_if<std::vector<bool>>(&found->second);
    return flags == nullptr ? std::nullopt : std::optional(*flags);
  }
  /// The value must be `only` if the key is there: anything else is mathematics that tome does not do.
  template <typename T>
  void expect(std::string_view key, T only) {
    const std::optional<T> value = find<T>(key);
    if (value && *value != only) fail(key, "got ", *value, ", tome can only run models where it is ", only);
  }
  /// Read by nobody, changes nothing.
  void ignore(std::string_view key) { read_.insert(prefix_ + std::string(key)); }

  void refuse_unread() const {
    for (auto key = gguf_.metadata().lower_bound(prefix_); key != gguf_.metadata().end(); ++key) {
      if (!key->first.starts_with(prefix_)) break;
      if (!read_.contains(key->first)) {
        throw_user_error(
            where(), ": metadata key ", in_quotes(key->first),
            " is unknown to tome and may change the model's mathematics; use another conversion of the model");
      }
    }
  }

  template <typename... Parts>
  [[noreturn]] void fail(std::string_view key, const Parts&... parts) const {
    throw_user_error(where(), ": metadata key ", in_quotes(prefix_ + std::string(key)), ": ", parts...);
  }
  std::string where() const { return gguf_.file().path().string(); }

 private:
  template <typename T>
  T get(std::string_view key) {
    return gguf_.get<T>(*read_.insert(prefix_ + std::string(key)).first);
  }
  template <typename T>
  T in(Limits<T> limits, std::string_view key, T value) const {
    if (!limits.contain(value)) fail(key, "got ", value, ", expected ", limits.lowest, " to ", limits.highest);
    return value;
  }

  const GgufFile& gguf_;
  std::string prefix_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace tome
