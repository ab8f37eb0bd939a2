// The inside of gguf.cc and gguf_values.cc: a checked walk through a GGUF file's header.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/gguf.h"
#include "formats/printable.h"

namespace tome {

/// Walks through the file's header; every step is checked against the end of the file.
class GgufCursor {
 public:
  explicit GgufCursor(const MappedFile& file) : bytes_(file.bytes()), path_(file.path().string()) {}

  std::size_t position() const { return position_; }
  std::size_t left() const { return bytes_.size() - position_; }

  template <typename... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    throw_user_error(path_, ": ", parts...);
  }

  std::span<const std::byte> take(std::uint64_t size, std::string_view what) {
    if (size > left()) {
      fail(in_quotes(what), " at byte ", position_, " needs ", size, " bytes, got ", left(),
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

/// The value type and the value that come next; `key` is for messages.
GgufValue read_gguf_value(GgufCursor& cursor, std::string_view key);

}  // namespace tome
