// safetensors: an 8-byte little-endian header length, a JSON header, then the tensors' bytes.
// https://github.com/huggingface/safetensors#format
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"

namespace tome {

/// Element types by their safetensors names ("F32", "BF16", "F16", "I32", "I64", "U8", "I8", "U32", ...).
struct SafetensorsEntry {
  std::string name;
  std::string dtype;
  std::vector<std::size_t> shape;
  std::size_t offset = 0;  // of the first byte, from the start of the file
  std::size_t bytes = 0;
};

class SafetensorsFile {
 public:
  /// Checks header length (<= 100 MB), JSON nesting, offsets (in range, no overlap, no hole), shapes against sizes.
  /// Throws UserError naming file, entry and reason.
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::vector<SafetensorsEntry>& entries() const { return entries_; }         // in the order of their offsets
  const std::map<std::string, std::string>& metadata() const { return metadata_; }  // "__metadata__"
  const SafetensorsEntry* find(std::string_view name) const;
  std::span<const std::byte> data(const SafetensorsEntry& entry) const {
    return file_.bytes().subspan(entry.offset, entry.bytes);
  }
  const MappedFile& file() const { return file_; }

 private:
  MappedFile file_;
  std::vector<SafetensorsEntry> entries_;
  std::map<std::string, std::string> metadata_;
  std::map<std::string_view, std::size_t> by_name_;
};

/// The header (length, JSON, padding to 64 bytes) of a file whose tensors follow one another in the given order, each
/// aligned to 64 bytes where sizes allow; sets every entry's `offset` from its `bytes`. The caller then writes data at
/// those offsets. Throws UserError when a name is not UTF-8.
std::string make_safetensors_header(std::vector<SafetensorsEntry>& entries,
                                    const std::map<std::string, std::string>& metadata);

}  // namespace tome
