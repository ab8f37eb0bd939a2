#include "eval/tasks/json_lines.h"

#include <algorithm>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/json.h"
#include "formats/printable.h"

namespace tome::eval {
namespace {

const nlohmann::json& member(const JsonLine& line, std::string_view name, std::string_view kind) {
  const auto found = line.object.find(name);
  if (found == line.object.end()) throw_user_error(line.where, ": \"", name, "\" is missing, expected ", kind);
  return *found;
}

}  // namespace

const std::string& JsonLine::text(std::string_view name) const {
  const nlohmann::json& value = member(*this, name, "text");
  if (!value.is_string()) throw_user_error(where, ": \"", name, "\" is ", value.type_name(), ", expected text");
  return value.get_ref<const std::string&>();
}

std::int64_t JsonLine::number_of(std::string_view name, std::int64_t least) const {
  const nlohmann::json& value = member(*this, name, "a whole number");
  constexpr auto kLargest = static_cast<std::uint64_t>(INT64_MAX);
  const bool fits = value.is_number_integer() && !(value.is_number_unsigned() && value.get<std::uint64_t>() > kLargest);
  if (!fits || value.get<std::int64_t>() < least) {
    throw_user_error(where, ": \"", name, "\" is not a whole number of at least ", least);
  }
  return value.get<std::int64_t>();
}

const nlohmann::json& JsonLine::array(std::string_view name) const {
  const nlohmann::json& value = member(*this, name, "a list");
  if (!value.is_array()) throw_user_error(where, ": \"", name, "\" is ", value.type_name(), ", expected a list");
  return value;
}

void read_json_lines(const std::filesystem::path& path, const std::function<bool(const JsonLine&)>& use) {
  constexpr int kDeepest = 16;
  const MappedFile file(path);
  std::span<const std::byte> rest = file.bytes();
  bool any = false;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const auto end = std::find(rest.begin(), rest.end(), std::byte{'\n'});
    const auto bytes = rest.first(static_cast<std::size_t>(end - rest.begin()));
    rest = rest.subspan(std::min(bytes.size() + 1, rest.size()));
    const auto is_blank = [](std::byte byte) { return byte == std::byte{' '} || byte == std::byte{'\r'}; };
    if (std::all_of(bytes.begin(), bytes.end(), is_blank)) continue;
    JsonLine line;
    line.where = cat(path.string(), ": line ", number);
    line.number = number;
    line.object = parse_json(bytes, line.where, kDeepest);
    if (!line.object.is_object()) {
      throw_user_error(line.where, ": a JSON ", line.object.type_name(), ", expected an object");
    }
    any = true;
    if (!use(line)) return;
  }
  if (!any) throw_user_error(path.string(), ": no lines, expected a JSON object a line");
}

}  // namespace tome::eval
