// Writes GGUF v3 files: metadata first, then the list of tensors, then their data, one tensor after another.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/new_file.h"
#include "formats/tensor_type.h"

namespace tome {

/// All add calls come before the first write. Wrong order or a repeated name is an InternalError; what the system
/// refuses (no right, full disk) is a UserError naming the path. The file appears under its name only in finish().
class GgufWriter {
 public:
  explicit GgufWriter(const std::filesystem::path& path) : file_(path) {}

  /// T: bool, std::{u,}int{8,16,32,64}_t, float, double or std::string_view; it decides the type in the file. The
  /// alignment is always GGUF's default of 32: `general.alignment` must not be added.
  template <typename T>
  void add(std::string_view key, T value);
  template <typename T>
  void add_array(std::string_view key, std::span<const T> values);
  /// A value as GgufFile::encoded gives it.
  void add_encoded(std::string_view key, std::span<const std::byte> value);

  /// Shape as in TensorView: outermost first, one to four extents.
  void add_tensor(std::string name, TensorType type, std::vector<std::size_t> shape);

  /// The next bytes of `tensor`; tensors come in the order in which they were added, each in as many parts as pleases.
  void write(std::string_view tensor, std::span<const std::byte> part);

  /// All data must have been written.
  void finish();

 private:
  struct Tensor {
    std::string name;
    TensorType type;
    std::vector<std::size_t> shape;
    std::uint64_t bytes;
  };

  void add_key(std::string_view key);
  void write_header();
  void pad();

  NewFile file_;
  std::string metadata_;  // encoded
  std::set<std::string, std::less<>> keys_;
  std::vector<Tensor> tensors_;
  std::set<std::string, std::less<>> names_;
  bool header_written_ = false;
  std::size_t current_ = 0;    // of tensors_
  std::uint64_t written_ = 0;  // bytes of it
};

}  // namespace tome
