#include "data/json_array.h"

#include <algorithm>
#include <fstream>

#include "base/error.h"

namespace tome::data {
namespace {

// Follows the bytes of an array; `end` is where an element ends.
class ArrayReader {
 public:
  explicit ArrayReader(std::string name) : name_(std::move(name)) {}

  void push(char c, std::uint64_t at) {
    if (escaped_) {
      escaped_ = false;
    } else if (in_string_) {
      escaped_ = c == '\\';
      in_string_ = c != '"';
    } else {
      structure(c, at);
    }
  }
  std::vector<LinePlace> finish() {
    if (depth_ != 0 || !began_) throw_user_error(name_, ": is no whole JSON array, it ends within it");
    return std::move(places_);
  }

 private:
  void structure(char c, std::uint64_t at) {
    const bool blank = c == ' ' || (c >= '\t' && c <= '\r');
    if (blank) return;
    if (depth_ == 0) {
      if (began_ || c != '[') throw_user_error(name_, ": is no JSON array, got '", c, "' at byte ", at + 1);
      began_ = true;
      depth_ = 1;
      return;
    }
    const bool closes = c == ']' || c == '}';
    if (depth_ == 1 && (c == ',' || closes)) {
      finish_element();
    } else {
      if (!open_) begin_ = at;
      open_ = true;
      end_ = at + 1;
    }
    in_string_ = c == '"';
    depth_ += (c == '[' || c == '{' ? 1 : 0) - (closes ? 1 : 0);
  }
  void finish_element() {
    if (open_) places_.push_back({static_cast<std::int64_t>(places_.size()) + 1, begin_, end_ - begin_});
    open_ = false;
  }

  std::string name_;
  std::vector<LinePlace> places_;
  std::int64_t depth_ = 0;
  bool began_ = false, open_ = false, in_string_ = false, escaped_ = false;
  std::uint64_t begin_ = 0, end_ = 0;  // of the element that is open, without white space around
};

}  // namespace

std::vector<LinePlace> array_elements(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw_user_error("cannot open ", path.string());
  ArrayReader reader(path.string());
  std::vector<char> block(std::size_t{1} << 20);
  std::uint64_t at = 0;
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0) {
    for (std::streamsize i = 0; i < file.gcount(); ++i) reader.push(block[static_cast<std::size_t>(i)], at++);
  }
  return reader.finish();
}

}  // namespace tome::data
