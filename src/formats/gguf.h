// GGUF v2 and v3 files, memory-mapped. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/mapped_file.h"
#include "formats/tensor_view.h"

namespace tome {

/// A metadata value. Integers of every width become int64 or uint64; floats become double. Strings are views into the
/// mapped file, valid as long as the GgufFile lives (a Gemma vocabulary has 262,144 of them).
using GgufValue = std::variant<bool, std::int64_t, std::uint64_t, double, std::string_view, std::vector<bool>,
                               std::vector<std::int64_t>, std::vector<float>, std::vector<std::string_view>>;

class GgufFile {
 public:
  /// Reads header, metadata and tensor directory, checking every count, size, offset, alignment and overlap against the
  /// file's size. Throws UserError: `PATH: what, got X, expected Y`.
  explicit GgufFile(const std::filesystem::path& path);

  const std::map<std::string, GgufValue, std::less<>>& metadata() const { return metadata_; }
  const std::vector<TensorView>& tensors() const { return tensors_; }
  const MappedFile& file() const { return file_; }

  /// A value as the file has it, type number and bytes, for a writer to copy; `key` must be in metadata().
  std::span<const std::byte> encoded(std::string_view key) const;

  /// nullptr when there is no such tensor.
  const TensorView* find_tensor(std::string_view name) const;

  /// The value of `key`, std::nullopt when absent; throws UserError naming file and key when it has another type or
  /// does not fit. T: bool, std::int64_t, double, std::string_view, std::vector<std::int64_t>, std::vector<float>,
  /// std::vector<std::string_view>. (A scalar integer is accepted for double.)
  template <typename T>
  std::optional<T> find(std::string_view key) const;

  /// As find, but absence is a UserError too.
  template <typename T>
  T get(std::string_view key) const;

 private:
  MappedFile file_;
  std::map<std::string, GgufValue, std::less<>> metadata_;
  std::vector<TensorView> tensors_;
  // Keys here are views into the file.
  std::map<std::string_view, std::span<const std::byte>> encoded_;
  std::map<std::string_view, std::size_t> by_name_;
};

}  // namespace tome
