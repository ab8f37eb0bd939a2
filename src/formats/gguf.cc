#include "formats/gguf.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "formats/gguf_types.h"
#include "formats/printable.h"

namespace tome {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint64_t kLargestAlignment = 1u << 20;
constexpr std::uint32_t kMostDimensions = 4;
// The shortest possible entries: a key/value of one byte, a tensor of one dimension, both with an empty name.
constexpr std::uint64_t kShortestKeyValue = 8 + 4 + 1;
constexpr std::uint64_t kShortestTensor = 8 + 4 + 8 + 4 + 8;

/// Walks through the file's header; every step is checked against the end of the file.
class Cursor {
 public:
  explicit Cursor(const MappedFile& file) : bytes_(file.bytes()), path_(file.path().string()) {}

  std::size_t position() const { return position_; }
  std::size_t left() const { return bytes_.size() - position_; }

  template <typename... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    throw_user_error(path_, ": ", parts...);
  }

  std::span<const std::byte> take(std::uint64_t size, std::string_view what) {
    if (size > left()) {
      fail(what, " at byte ", position_, " needs ", size, " bytes, got ", left(),
           " to the end of the file; the file is cut short or damaged, fetch it again");
    }
    const auto part = bytes_.subspan(position_, static_cast<std::size_t>(size));
    position_ += part.size();
    return part;
  }

  template <typename T>
  T number(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof value, what).data(), sizeof value);
    return value;
  }

  std::string_view string(std::string_view what) {
    const auto length = number<std::uint64_t>(what);
    const auto part = take(length, what);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }

  /// A count of things that take at least `least` bytes each.
  std::uint64_t count(std::string_view what, std::uint64_t value, std::uint64_t least) const {
    if (value > left() / least) {
      fail("got ", value, " ", what, ", expected at most ", left() / least, ", which is all the file has room for");
    }
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  std::string path_;
  std::size_t position_ = 0;
};

template <typename Stored, typename Kept>
std::vector<Kept> read_numbers(Cursor& cursor, std::uint64_t count, std::string_view key) {
  const auto bytes = cursor.take(count * sizeof(Stored), key);
  std::vector<Kept> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) {
    Stored value;
    std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
    if constexpr (std::is_same_v<Stored, std::uint64_t>) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        cursor.fail("key ", quoted(key), ": got ", value, ", expected less than 2^63");
      }
    }
    out[i] = static_cast<Kept>(value);
  }
  return out;
}

bool read_bool(Cursor& cursor, std::string_view key) {
  const auto byte = cursor.number<std::uint8_t>(key);
  if (byte > 1) cursor.fail("key ", quoted(key), ": got ", int{byte}, " for a bool, expected 0 or 1");
  return byte == 1;
}

GgufValue read_array(Cursor& cursor, std::string_view key) {
  const auto type = static_cast<GgufType>(cursor.number<std::uint32_t>(key));
  const auto stated = cursor.number<std::uint64_t>(key);
  if (type == GgufType::kArray) cursor.fail("key ", quoted(key), ": got an array of arrays, which tome cannot read");
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
  cursor.fail("key ", quoted(key), ": got an array of value type ", static_cast<std::uint32_t>(type),
              ", expected 0 to 12");
}

GgufValue read_value(Cursor& cursor, std::string_view key) {
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
  cursor.fail("key ", quoted(key), ": got value type ", static_cast<std::uint32_t>(type), ", expected 0 to 12");
}

struct Counts {
  std::uint64_t tensors;
  std::uint64_t keys;
};

Counts read_header(Cursor& cursor) {
  if (cursor.left() < 4 || cursor.number<std::uint32_t>("magic") != kMagic) {
    cursor.fail("not a GGUF file: it does not begin with 'GGUF'");
  }
  const auto version = cursor.number<std::uint32_t>("version");
  if (version >> 16 != 0 && (version & 0xffff) == 0) {
    cursor.fail("a big-endian GGUF file, expected little-endian; convert it with gguf-convert-endian");
  }
  if (version != 2 && version != 3) cursor.fail("GGUF version: got ", version, ", expected 2 or 3");
  const auto tensors = cursor.number<std::uint64_t>("tensor count");
  const auto keys = cursor.number<std::uint64_t>("metadata count");
  return {cursor.count("tensors", tensors, kShortestTensor), cursor.count("metadata keys", keys, kShortestKeyValue)};
}

/// A tensor whose `data` is still to be set: its offset is relative to the end of the header.
struct TensorEntry {
  TensorView view;
  std::string_view name;
  std::uint64_t offset = 0;
  std::size_t bytes = 0;
};

std::vector<std::size_t> read_shape(Cursor& cursor, std::string_view name) {
  const auto dimensions = cursor.number<std::uint32_t>(name);
  if (dimensions < 1 || dimensions > kMostDimensions) {
    cursor.fail("tensor ", quoted(name), ": got ", dimensions, " dimensions, expected 1 to ", kMostDimensions);
  }
  std::vector<std::size_t> shape(dimensions);
  std::size_t values = 1;  // at most 2^60: times four bytes it cannot overflow
  for (auto extent = shape.rbegin(); extent != shape.rend(); ++extent) {  // stored innermost first
    *extent = cursor.number<std::uint64_t>(name);
    // file.
    if (*extent == 0 || values > (std::size_t{1} << 60) / *extent) {
      cursor.fail("tensor ", quoted(name), ": got an extent of ", *extent, ", expected 1 to 2^60 numbers in all");
    }
    values *= *extent;
  }
  return shape;
}

TensorEntry read_tensor(Cursor& cursor) {
  TensorEntry entry;
  entry.name = cursor.string("tensor name");
  entry.view.name = entry.name;
  entry.view.shape = read_shape(cursor, entry.name);
  const auto number = cursor.number<std::uint32_t>(entry.name);
  const auto type = known_tensor_type(number);
  if (!type) {
    cursor.fail("tensor ", quoted(entry.name), ": got type ", ggml_type_name(number), ", which tome cannot read; ",
                "expected F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q8_0, Q4_K or Q6_K");
  }
  entry.view.type = *type;
  const TensorTypeInfo& layout = info(*type);
  if (entry.view.columns() % layout.block_values != 0) {
    cursor.fail("tensor ", quoted(entry.name), ": got rows of ", entry.view.columns(),
                " numbers, expected a multiple of ", layout.block_values, " for ", layout.name);
  }
  entry.bytes = byte_size(*type, entry.view.values());
  entry.offset = cursor.number<std::uint64_t>(entry.name);
  return entry;
}

std::uint64_t checked_alignment(const Cursor& cursor, const GgufFile& gguf) {
  const std::int64_t stated = gguf.find<std::int64_t>("general.alignment").value_or(kDefaultAlignment);
  const auto alignment = static_cast<std::uint64_t>(stated);
  if (!std::has_single_bit(alignment) || alignment < 8 || alignment > kLargestAlignment) {
    cursor.fail("general.alignment: got ", stated, ", expected a power of two from 8 to ", kLargestAlignment);
  }
  return alignment;
}

void check_overlap(const Cursor& cursor, const std::vector<TensorEntry>& entries) {
  std::vector<const TensorEntry*> by_offset;
  for (const TensorEntry& entry : entries) by_offset.push_back(&entry);
  std::ranges::sort(by_offset, {}, &TensorEntry::offset);
  for (std::size_t i = 1; i < by_offset.size(); ++i) {
    const TensorEntry& before = *by_offset[i - 1];
    if (by_offset[i]->offset - before.offset < before.bytes) {
      cursor.fail("tensors ", quoted(before.name), " and ", quoted(by_offset[i]->name), " overlap at offset ",
                  by_offset[i]->offset, "; the file is damaged");
    }
  }
}

}  // namespace

GgufFile::GgufFile(const std::filesystem::path& path) : file_(path) {
  Cursor cursor(file_);
  const Counts counts = read_header(cursor);
  for (std::uint64_t i = 0; i < counts.keys; ++i) {
    const std::string_view key = cursor.string("metadata key");
    if (!metadata_.try_emplace(std::string(key), read_value(cursor, key)).second) {
      cursor.fail("metadata key ", quoted(key), " appears twice");
    }
  }
  const std::uint64_t alignment = checked_alignment(cursor, *this);

  std::vector<TensorEntry> entries;
  entries.reserve(static_cast<std::size_t>(counts.tensors));
  for (std::uint64_t i = 0; i < counts.tensors; ++i) {
    entries.push_back(read_tensor(cursor));
    if (!by_name_.try_emplace(entries.back().name, i).second) {
      cursor.fail("tensor ", quoted(entries.back().name), " appears twice");
    }
  }

  const std::uint64_t begin = (cursor.position() + alignment - 1) / alignment * alignment;
  const std::uint64_t room = file_.bytes().size() - std::min<std::uint64_t>(begin, file_.bytes().size());
  for (TensorEntry& entry : entries) {
    if (entry.offset % alignment != 0) {
      cursor.fail("tensor ", quoted(entry.name), ": got offset ", entry.offset, ", expected a multiple of ", alignment);
    }
    if (entry.offset > room || entry.bytes > room - entry.offset) {
      cursor.fail("tensor ", quoted(entry.name), ": got ", room, " bytes of tensor data, expected ", entry.bytes,
                  " at offset ", entry.offset, "; the file is cut short or damaged, fetch it again");
    }
    entry.view.data = file_.bytes().subspan(static_cast<std::size_t>(begin + entry.offset), entry.bytes);
  }
  check_overlap(cursor, entries);
  tensors_.reserve(entries.size());
  for (TensorEntry& entry : entries) tensors_.push_back(std::move(entry.view));
}

const TensorView* GgufFile::find_tensor(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

namespace {

template <typename T>
constexpr std::string_view kTypeName = "";
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
  if (!value) throw_user_error(file_.path().string(), ": metadata key ", quoted(key), " is not ", kTypeName<T>);
  return value;
}

template <typename T>
T GgufFile::get(std::string_view key) const {
  std::optional<T> value = find<T>(key);
  if (!value) {
    throw_user_error(file_.path().string(), ": metadata key ", quoted(key), " is missing, expected ", kTypeName<T>);
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
