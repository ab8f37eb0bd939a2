#include "formats/gguf.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "formats/gguf_cursor.h"
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

struct Counts {
  std::uint64_t tensors;
  std::uint64_t keys;
};

Counts read_header(GgufCursor& cursor) {
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

std::vector<std::size_t> read_shape(GgufCursor& cursor, std::string_view name) {
  const auto dimensions = cursor.number<std::uint32_t>(name);
  if (dimensions < 1 || dimensions > kMostDimensions) {
    cursor.fail("tensor ", in_quotes(name), ": got ", dimensions, " dimensions, expected 1 to ", kMostDimensions);
  }
  std::vector<std::size_t> shape(dimensions);
  std::size_t values = 1;                       // at most 2^60: times four bytes it cannot overflow
  for (std::size_t i = dimensions; i-- > 0;) {  // stored innermost first
    shape[i] = cursor.number<std::uint64_t>(name);
    if (shape[i] == 0 || values > (std::size_t{1} << 60) / shape[i]) {
      cursor.fail("tensor ", in_quotes(name), ": got an extent of ", shape[i], ", expected 1 to 2^60 numbers in all");
    }
    values *= shape[i];
  }
  return shape;
}

TensorEntry read_tensor(GgufCursor& cursor) {
  TensorEntry entry;
  entry.name = cursor.string("tensor name");
  entry.view.name = entry.name;
  entry.view.shape = read_shape(cursor, entry.name);
  const auto number = cursor.number<std::uint32_t>(entry.name);
  const auto type = known_tensor_type(number);
  if (!type) {
    cursor.fail("tensor ", in_quotes(entry.name), ": got type ", ggml_type_name(number), ", which tome cannot read; ",
                "expected F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q8_0, Q4_K or Q6_K");
  }
  entry.view.type = *type;
  const TensorTypeInfo& layout = info(*type);
  if (entry.view.columns() % layout.block_values != 0) {
    cursor.fail("tensor ", in_quotes(entry.name), ": got rows of ", entry.view.columns(),
                " numbers, expected a multiple of ", layout.block_values, " for ", layout.name);
  }
  entry.bytes = byte_size(*type, entry.view.values());
  entry.offset = cursor.number<std::uint64_t>(entry.name);
  return entry;
}

std::uint64_t checked_alignment(const GgufCursor& cursor, const GgufFile& gguf) {
  const std::int64_t stated = gguf.find<std::int64_t>("general.alignment").value_or(kDefaultAlignment);
  const auto alignment = static_cast<std::uint64_t>(stated);
  if (!std::has_single_bit(alignment) || alignment < 8 || alignment > kLargestAlignment) {
    cursor.fail("general.alignment: got ", stated, ", expected a power of two from 8 to ", kLargestAlignment);
  }
  return alignment;
}

void check_overlap(const GgufCursor& cursor, const std::vector<TensorEntry>& entries) {
  std::vector<const TensorEntry*> by_offset;
  by_offset.reserve(entries.size());
  for (const TensorEntry& entry : entries) by_offset.push_back(&entry);
  std::ranges::sort(by_offset, {}, &TensorEntry::offset);
  for (std::size_t i = 1; i < by_offset.size(); ++i) {
    const TensorEntry& before = *by_offset[i - 1];
    if (by_offset[i]->offset - before.offset < before.bytes) {
      cursor.fail("tensors ", in_quotes(before.name), " and ", in_quotes(by_offset[i]->name), " overlap at offset ",
                  by_offset[i]->offset, "; the file is damaged");
    }
  }
}

}  // namespace

GgufFile::GgufFile(const std::filesystem::path& path) : file_(path) {
  GgufCursor cursor(file_);
  const Counts counts = read_header(cursor);
  for (std::uint64_t i = 0; i < counts.keys; ++i) {
    const std::string_view key = cursor.string("metadata key");
    const std::size_t begin = cursor.position();
    if (!metadata_.try_emplace(std::string(key), read_gguf_value(cursor, key)).second) {
      cursor.fail("metadata key ", in_quotes(key), " appears twice");
    }
    encoded_[key] = file_.bytes().subspan(begin, cursor.position() - begin);
  }
  const std::uint64_t alignment = checked_alignment(cursor, *this);

  std::vector<TensorEntry> entries;
  entries.reserve(static_cast<std::size_t>(counts.tensors));
  for (std::uint64_t i = 0; i < counts.tensors; ++i) {
    entries.push_back(read_tensor(cursor));
    if (!by_name_.try_emplace(entries.back().name, i).second) {
      cursor.fail("tensor ", in_quotes(entries.back().name), " appears twice");
    }
  }

  const std::uint64_t begin = (cursor.position() + alignment - 1) / alignment * alignment;
  const std::uint64_t room = file_.bytes().size() - std::min<std::uint64_t>(begin, file_.bytes().size());
  for (TensorEntry& entry : entries) {
    if (entry.offset % alignment != 0) {
      cursor.fail("tensor ", in_quotes(entry.name), ": got offset ", entry.offset, ", expected a multiple of ",
                  alignment);
    }
    if (entry.offset > room || entry.bytes > room - entry.offset) {
      cursor.fail("tensor ", in_quotes(entry.name), ": got ", room, " bytes of tensor data, expected ", entry.bytes,
                  " at offset ", entry.offset, "; the file is cut short or damaged, fetch it again");
    }
    entry.view.data = file_.bytes().subspan(static_cast<std::size_t>(begin + entry.offset), entry.bytes);
  }
  check_overlap(cursor, entries);
  tensors_.reserve(entries.size());
  for (TensorEntry& entry : entries) tensors_.push_back(std::move(entry.view));
}

std::span<const std::byte> GgufFile::encoded(std::string_view key) const {
  const auto found = encoded_.find(key);
  TOME_CHECK(found != encoded_.end(), "no metadata key ", in_quotes(key));
  return found->second;
}

const TensorView* GgufFile::find_tensor(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace tome
