#include "formats/safetensors.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "formats/json.h"
#include "formats/printable.h"

namespace tome {
namespace {

using nlohmann::json;

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLongestHeader = 100'000'000;
constexpr std::size_t kAlignment = 64;
constexpr int kHeaderDepth = 3;  // header, entry, shape
constexpr std::string_view kMetadataKey = "__metadata__";

/// Bytes of one element; 0 for a type that is not known.
std::size_t element_bytes(std::string_view dtype) {
  constexpr std::pair<std::string_view, std::size_t> kTypes[] = {
      {"F32", 4}, {"BF16", 2}, {"F16", 2}, {"F64", 8}, {"U8", 1},   {"I8", 1},      {"I16", 2},    {"U16", 2},
      {"I32", 4}, {"U32", 4},  {"I64", 8}, {"U64", 8}, {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};
  for (const auto& [name, bytes] : kTypes) {
    if (name == dtype) return bytes;
  }
  return 0;
}

/// The member `key` of one entry as natural numbers.
std::vector<std::size_t> naturals(const json& entry, const char* key, const std::string& where) {
  const auto member = entry.find(key);
  if (member == entry.end() || !member->is_array()) throw_user_error(where, ": got no array '", key, "'");
  std::vector<std::size_t> out;
  for (const json& number : *member) {
    if (!number.is_number_unsigned())
      throw_user_error(where, ": '", key, "' holds something else than natural numbers");
    out.push_back(number.get<std::uint64_t>());
  }
  return out;
}

/// The product of the shape and of `element`, which must be `bytes`; no step may overflow.
void check_size(const SafetensorsEntry& entry, std::size_t element, const std::string& where) {
  std::size_t left = entry.bytes / element;
  const bool empty = std::ranges::find(entry.shape, 0u) != entry.shape.end();
  bool fits = entry.bytes % element == 0 && empty == (entry.bytes == 0);
  for (const std::size_t extent : entry.shape) {
    if (!fits || empty) break;
    fits = left % extent == 0;
    left /= extent;
  }
  if (!fits || (!empty && left != 1)) {
    throw_user_error(where, ": got ", entry.bytes, " bytes, which is not what its shape takes as ", entry.dtype);
  }
}

SafetensorsEntry read_entry(const std::string& name, const json& value, std::size_t data_begin, std::size_t data_size,
                            const std::string& path) {
  const std::string where = cat(path, ": tensor ", in_quotes(name));
  if (!value.is_object()) throw_user_error(where, ": its header entry is not an object");
  SafetensorsEntry entry;
  entry.name = name;
  const auto dtype = value.find("dtype");
  if (dtype == value.end() || !dtype->is_string()) throw_user_error(where, ": got no string 'dtype'");
  entry.dtype = dtype->get<std::string>();
  const std::size_t element = element_bytes(entry.dtype);
  if (element == 0) throw_user_error(where, ": got the type ", in_quotes(entry.dtype), ", which tome does not know");
  entry.shape = naturals(value, "shape", where);
  const std::vector<std::size_t> offsets = naturals(value, "data_offsets", where);
  if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data_size) {
    throw_user_error(where, ": got bad data_offsets, expected a begin and an end within ", data_size,
                     " bytes of data; the file is cut short or damaged, fetch it again");
  }
  entry.offset = data_begin + offsets[0];
  entry.bytes = offsets[1] - offsets[0];
  check_size(entry, element, where);
  return entry;
}

/// Entries, in the order of their offsets, must follow one another from the first byte of the data to its last.
void check_no_hole(const std::vector<SafetensorsEntry>& entries, std::size_t begin, std::size_t end,
                   const std::string& path) {
  for (const SafetensorsEntry& entry : entries) {
    if (entry.offset != begin) {
      throw_user_error(path, ": tensor ", in_quotes(entry.name), " begins at byte ", entry.offset, ", expected ", begin,
                       ", where the one before it ends; the file is damaged");
    }
    begin += entry.bytes;
  }
  if (begin != end) throw_user_error(path, ": got ", end, " bytes, expected ", begin, "; the file is damaged");
}

std::map<std::string, std::string> read_metadata(const json& value, const std::string& path) {
  if (!value.is_object()) throw_user_error(path, ": __metadata__ is not an object");
  std::map<std::string, std::string> out;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) throw_user_error(path, ": __metadata__ ", in_quotes(key), " is not a string");
    out[key] = text.get<std::string>();
  }
  return out;
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : file_(path) {
  const std::span<const std::byte> bytes = file_.bytes();
  const std::string where = path.string();
  if (bytes.size() < kLengthBytes) {
    throw_user_error(where, ": not a safetensors file: got ", bytes.size(), " bytes, expected at least 8");
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > kLongestHeader || length > bytes.size() - kLengthBytes) {
    throw_user_error(where, ": got a header of ", length, " bytes, expected at most ",
                     std::min<std::uint64_t>(kLongestHeader, bytes.size() - kLengthBytes),
                     "; not a safetensors file, or cut short");
  }
  const json header = parse_json(bytes.subspan(kLengthBytes, length), where + ": header", kHeaderDepth);
  if (!header.is_object()) throw_user_error(where, ": header: got no JSON object");
  const std::size_t begin = kLengthBytes + length;
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadataKey) {
      metadata_ = read_metadata(value, where);
    } else {
      entries_.push_back(read_entry(name, value, begin, bytes.size() - begin, where));
    }
  }
  std::ranges::stable_sort(entries_, {}, [](const auto& entry) { return std::pair(entry.offset, entry.bytes); });
  check_no_hole(entries_, begin, bytes.size(), where);
  for (std::size_t i = 0; i < entries_.size(); ++i) by_name_[entries_[i].name] = i;
}

const SafetensorsEntry* SafetensorsFile::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &entries_[found->second];
}

std::string make_safetensors_header(std::vector<SafetensorsEntry>& entries,
                                    const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(kMetadataKey)] = metadata;
  std::size_t offset = 0;
  for (SafetensorsEntry& entry : entries) {
    TOME_CHECK(!header.contains(entry.name), "tensor ", in_quotes(entry.name), " appears twice");
    header[entry.name] = {
        {"dtype", entry.dtype}, {"shape", entry.shape}, {"data_offsets", {offset, offset + entry.bytes}}};
    entry.offset = offset;
    offset += entry.bytes;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::type_error&) {
    throw_user_error("cannot write safetensors: the name of a tensor is not UTF-8");
  }
  text.append((kAlignment - (kLengthBytes + text.size()) % kAlignment) % kAlignment, ' ');
  const std::uint64_t length = text.size();
  for (SafetensorsEntry& entry : entries) entry.offset += kLengthBytes + length;
  std::string out(reinterpret_cast<const char*>(&length), sizeof length);
  return out + text;
}

}  // namespace tome
