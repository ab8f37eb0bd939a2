// Metadata values: reading them, and giving them out by type.
#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#include "formats/gguf_cursor.h"
#include "formats/gguf_types.h"
#include "formats/printable.h"

namespace tome {
namespace {

template <typename Stored, typename Kept>
std::vector<Kept> read_numbers(GgufCursor& cursor, std::uint64_t count, std::string_view key) {
  const auto bytes = cursor.take(count * sizeof(Stored), key);
  std::vector<Kept> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) {
    Stored value;
    std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
    if constexpr (std::is_same_v<Stored, std::uint64_t>) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        cursor.fail("key ", in_quotes(key), ": got ", value, ", expected less than 2^63");
      }
    }
    out[i] = static_cast<Kept>(value);
  }
  return out;
}

bool read_bool(GgufCursor& cursor, std::string_view key) {
  const auto byte = cursor.number<std::uint8_t>(key);
  if (byte > 1) cursor.fail("key ", in_quotes(key), ": got ", int{byte}, " for a bool, expected 0 or 1");
  return byte == 1;
}

GgufValue read_array(GgufCursor& cursor, std::string_view key) {
  const auto type = static_cast<GgufType>(cursor.number<std::uint32_t>(key));
  const auto stated = cursor.number<std::uint64_t>(key);
  if (type == GgufType::kArray) cursor.fail("key ", in_quotes(key), ": got an array of arrays, which tome cannot read");
  const auto count = cursor.count("array elements", stated, std::max<std::size_t>(1, gguf_type_bytes(type)));
  switch (type) {
    case GgufType::kUint8:
      return read_numbers<std::uint8_t, std::int64_t>(cursor, count, key);
    case GgufType::kInt8:
      return read_numbers<std::int8_t, std::int64_t>(cursor, count, key);
    case GgufType::kUint16:
      return read_numbers<std::uint16_t, std::int64_t>(cursor, count, key);
    case GgufType::kInt16:
      return read_numbers<std::int16_t, std::int64_t>(cursor, count, key);
    case GgufType::kUint32:
      return read_numbers<std::uint32_t, std::int64_t>(cursor, count, key);
    case GgufType::kInt32:
      return read_numbers<std::int32_t, std::int64_t>(cursor, count, key);
    case GgufType::kUint64:
      return read_numbers<std::uint64_t, std::int64_t>(cursor, count, key);
    case GgufType::kInt64:
      return read_numbers<std::int64_t, std::int64_t>(cursor, count, key);
    case GgufType::kFloat32:
      return read_numbers<float, float>(cursor, count, key);
    case GgufType::kFloat64:
      return read_numbers<double, float>(cursor, count, key);
    case GgufType::kBool: {
      std::vector<bool> out;
      for (std::uint64_t i = 0; i < count; ++i) out.push_back(read_bool(cursor, key));
      return out;
    }
    case GgufType::kString: {
      std::vector<std::string_view> out;
      out.reserve(static_cast<std::size_t>(count));
      for (std::uint64_t i = 0; i < count; ++i) out.push_back(cursor.string(key));
      return out;
    }
    case GgufType::kArray:
      break;
  }
  cursor.fail("key ", in_quotes(key), ": got an array of value type ", static_cast<std::uint32_t>(type),
              ", expected 0 to 12");
}

}  // namespace

GgufValue read_gguf_value(GgufCursor& cursor, std::string_view key) {
  const auto type = static_cast<GgufType>(cursor.number<std::uint32_t>(key));
  switch (type) {
    case GgufType::kUint8:
      return std::uint64_t{cursor.number<std::uint8_t>(key)};
    case GgufType::kInt8:
      return std::int64_t{cursor.number<std::int8_t>(key)};
    case GgufType::kUint16:
      return std::uint64_t{cursor.number<std::uint16_t>(key)};
    case GgufType::kInt16:
      return std::int64_t{cursor.number<std::int16_t>(key)};
    case GgufType::kUint32:
      return std::uint64_t{cursor.number<std::uint32_t>(key)};
    case GgufType::kInt32:
      return std::int64_t{cursor.number<std::int32_t>(key)};
    case GgufType::kUint64:
      return cursor.number<std::uint64_t>(key);
    case GgufType::kInt64:
      return cursor.number<std::int64_t>(key);
    case GgufType::kFloat32:
      return double{cursor.number<float>(key)};
    case GgufType::kFloat64:
      return cursor.number<double>(key);
    case GgufType::kBool:
      return read_bool(cursor, key);
    case GgufType::kString:
      return cursor.string(key);
    case GgufType::kArray:
      return read_array(cursor, key);
  }
  cursor.fail("key ", in_quotes(key), ": got value type ", static_cast<std::uint32_t>(type), ", expected 0 to 12");
}

namespace {

template <typename T>
constexpr std::string_view kTypeName{};
template <>
constexpr std::string_view kTypeName<bool> = "a bool";
template <>
constexpr std::string_view kTypeName<std::int64_t> = "an integer below 2^63";
template <>
constexpr std::string_view kTypeName<double> = "a number";
template <>
constexpr std::string_view kTypeName<std::string_view> = "a string";
template <>
constexpr std::string_view kTypeName<std::vector<std::int64_t>> = "an array of integers";
template <>
constexpr std::string_view kTypeName<std::vector<float>> = "an array of floats";
template <>
constexpr std::string_view kTypeName<std::vector<std::string_view>> = "an array of strings";

/// `value` as a T without loss; std::nullopt when it is something else.
template <typename T>
std::optional<T> value_as(const GgufValue& value) {
  if (const T* same = std::get_if<T>(&value)) return *same;
  if constexpr (std::is_same_v<T, std::int64_t>) {
    const auto* natural = std::get_if<std::uint64_t>(&value);
    if (natural != nullptr && std::in_range<std::int64_t>(*natural)) return static_cast<std::int64_t>(*natural);
  }
  if constexpr (std::is_same_v<T, double>) {
    if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
    if (const auto* natural = std::get_if<std::uint64_t>(&value)) return static_cast<double>(*natural);
  }
  return std::nullopt;
}

}  // namespace

template <typename T>
std::optional<T> GgufFile::find(std::string_view key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) return std::nullopt;
  std::optional<T> value = value_as<T>(found->second);
  if (!value) throw_user_error(file_.path().string(), ": metadata key ", in_quotes(key), " is not ", kTypeName<T>);
  return value;
}

template <typename T>
T GgufFile::get(std::string_view key) const {
  std::optional<T> value = find<T>(key);
  if (!value) {
    throw_user_error(file_.path().string(), ": metadata key ", in_quotes(key), " is missing, expected ", kTypeName<T>);
  }
  return *std::move(value);
}

#define TOME_INSTANTIATE(T)                                            \
  template std::optional<T> GgufFile::find<T>(std::string_view) const; \
  template T GgufFile::get<T>(std::string_view) const;
TOME_INSTANTIATE(bool)
TOME_INSTANTIATE(std::int64_t)
TOME_INSTANTIATE(double)
TOME_INSTANTIATE(std::string_view)
TOME_INSTANTIATE(std::vector<std::int64_t>)
TOME_INSTANTIATE(std::vector<float>)
TOME_INSTANTIATE(std::vector<std::string_view>)
#undef TOME_INSTANTIATE

}  // namespace tome
