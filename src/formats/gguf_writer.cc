#include "formats/gguf_writer.h"

#include <type_traits>
#include <utility>

#include "base/error.h"
#include "formats/gguf_types.h"
#include "formats/printable.h"

namespace tome {
namespace {

constexpr std::uint64_t kAlignment = 32;

template <typename T>
consteval GgufType type_of() {
  if constexpr (std::is_same_v<T, bool>) return GgufType::kBool;
  if constexpr (std::is_same_v<T, std::uint8_t>) return GgufType::kUint8;
  if constexpr (std::is_same_v<T, std::int8_t>) return GgufType::kInt8;
  if constexpr (std::is_same_v<T, std::uint16_t>) return GgufType::kUint16;
  if constexpr (std::is_same_v<T, std::int16_t>) return GgufType::kInt16;
  if constexpr (std::is_same_v<T, std::uint32_t>) return GgufType::kUint32;
  if constexpr (std::is_same_v<T, std::int32_t>) return GgufType::kInt32;
  if constexpr (std::is_same_v<T, std::uint64_t>) return GgufType::kUint64;
  if constexpr (std::is_same_v<T, std::int64_t>) return GgufType::kInt64;
  if constexpr (std::is_same_v<T, float>) return GgufType::kFloat32;
  if constexpr (std::is_same_v<T, double>) return GgufType::kFloat64;
  if constexpr (std::is_same_v<T, std::string_view>) return GgufType::kString;
}

void append(std::string& out, std::string_view text) {
  const std::uint64_t length = text.size();
  out.append(reinterpret_cast<const char*>(&length), sizeof length);
  out.append(text);
}

template <typename T>
requires std::is_arithmetic_v<T> || std::is_enum_v<T>
void append(std::string& out, T value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); }

}  // namespace

void GgufWriter::add_key(std::string_view key) {
  TOME_CHECK(!header_written_ && key != "general.alignment", in_quotes(key));
  TOME_CHECK(keys_.emplace(key).second, in_quotes(key), " is added twice");
  append(metadata_, key);
}

template <typename T>
void GgufWriter::add(std::string_view key, T value) {
  add_key(key);
  append(metadata_, type_of<T>());
  append(metadata_, value);
}

template <typename T>
void GgufWriter::add_array(std::string_view key, std::span<const T> values) {
  add_key(key);
  append(metadata_, GgufType::kArray);
  append(metadata_, type_of<T>());
  append(metadata_, std::uint64_t{values.size()});
  for (const T& value : values) append(metadata_, value);
}

#define TOME_INSTANTIATE(T)                           \
  template void GgufWriter::add(std::string_view, T); \
  template void GgufWriter::add_array(std::string_view, std::span<const T>);
TOME_INSTANTIATE(bool)
TOME_INSTANTIATE(std::uint8_t)
TOME_INSTANTIATE(std::int8_t)
TOME_INSTANTIATE(std::uint16_t)
TOME_INSTANTIATE(std::int16_t)
TOME_INSTANTIATE(std::uint32_t)
TOME_INSTANTIATE(std::int32_t)
TOME_INSTANTIATE(std::uint64_t)
TOME_INSTANTIATE(std::int64_t)
TOME_INSTANTIATE(float)
TOME_INSTANTIATE(double)
TOME_INSTANTIATE(std::string_view)
#undef TOME_INSTANTIATE

void GgufWriter::add_encoded(std::string_view key, std::span<const std::byte> value) {
  add_key(key);
  metadata_.append(reinterpret_cast<const char*>(value.data()), value.size());
}

void GgufWriter::add_tensor(std::string name, TensorType type, std::vector<std::size_t> shape) {
  TOME_CHECK(!header_written_ && !shape.empty() && shape.size() <= 4, in_quotes(name));
  TOME_CHECK(shape.back() % info(type).block_values == 0, in_quotes(name), " has rows of ", shape.back());
  TOME_CHECK(names_.insert(name).second, in_quotes(name), " is added twice");
  std::size_t values = 1;
  for (const std::size_t extent : shape) values *= extent;
  TOME_CHECK(values > 0, in_quotes(name), " is empty");
  tensors_.push_back({std::move(name), type, std::move(shape), byte_size(type, values)});
}

void GgufWriter::write_header() {
  std::string header = "GGUF";
  append(header, std::uint32_t{3});
  append(header, std::uint64_t{tensors_.size()});
  append(header, std::uint64_t{keys_.size()});
  header += metadata_;
  std::uint64_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    append(header, std::string_view(tensor.name));
    append(header, static_cast<std::uint32_t>(tensor.shape.size()));
    for (std::size_t i = tensor.shape.size(); i-- > 0;) append(header, std::uint64_t{tensor.shape[i]});
    append(header, tensor.type);
    append(header, offset);
    offset += (tensor.bytes + kAlignment - 1) / kAlignment * kAlignment;
  }
  file_.write(header);
  pad();
  header_written_ = true;
}

void GgufWriter::pad() {
  const std::string zeros((kAlignment - file_.size() % kAlignment) % kAlignment, '\0');
  file_.write(zeros);
}

void GgufWriter::write(std::string_view tensor, std::span<const std::byte> part) {
  if (!header_written_) write_header();
  TOME_CHECK(current_ < tensors_.size() && tensors_[current_].name == tensor, in_quotes(tensor),
             " is not the next tensor");
  TOME_CHECK(part.size() <= tensors_[current_].bytes - written_, in_quotes(tensor), " gets too much data");
  file_.write(part);
  written_ += part.size();
  if (written_ < tensors_[current_].bytes) return;
  pad();
  ++current_;
  written_ = 0;
}

void GgufWriter::finish() {
  if (!header_written_) write_header();
  TOME_CHECK(current_ == tensors_.size(), in_quotes(tensors_[current_].name), " is not written whole");
  file_.finish();
}

}  // namespace tome
