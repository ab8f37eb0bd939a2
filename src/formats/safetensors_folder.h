// The weights of a Hugging Face model folder: model.safetensors, or the shards that model.safetensors.index.json names.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "formats/safetensors.h"
#include "formats/tensor_view.h"

namespace tome {

/// "F32", "F16", "BF16"; std::nullopt for another element type.
std::optional<TensorType> weight_type(std::string_view dtype);

class SafetensorsFolder {
 public:
  /// Opens every shard. Throws UserError naming file and tensor when there are no weights, a shard is missing or
  /// damaged, the index and its shards disagree, or a tensor is empty or not F32, F16 or BF16.
  explicit SafetensorsFolder(const std::filesystem::path& folder);

  /// The data need not be aligned to its type: unpack it with dequantize().
  const std::vector<TensorView>& tensors() const { return tensors_; }
  const std::vector<SafetensorsFile>& files() const { return files_; }

  /// nullptr when there is no such tensor.
  const TensorView* find_tensor(std::string_view name) const;

 private:
  void add_tensors(const SafetensorsFile& file);

  std::vector<SafetensorsFile> files_;
  std::vector<TensorView> tensors_;
  std::map<std::string, std::size_t, std::less<>> by_name_;
};

}  // namespace tome
