#include "formats/safetensors_folder.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <system_error>

#include "base/error.h"
#include "formats/json.h"
#include "formats/printable.h"

namespace tome {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestIndex = 100'000'000;
constexpr int kIndexDepth = 4;

/// A plain file name: a stranger's index must not lead out of its folder.
bool stays_in_folder(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string("/\\\0", 3)) == std::string::npos;
}

/// Tensor names by the shard that has them.
std::map<std::string, std::vector<std::string>> read_index(const fs::path& path) {
  const MappedFile file(path);
  const std::string where = path.string();
  if (file.bytes().size() > kLongestIndex) {
    throw_user_error(where, ": got ", file.bytes().size(), " bytes, expected at most ", kLongestIndex);
  }
  const nlohmann::json index = parse_json(file.bytes(), where, kIndexDepth);
  const auto map = index.is_object() ? index.find("weight_map") : index.end();
  if (map == index.end() || !map->is_object() || map->empty()) {
    throw_user_error(where, ": got no object 'weight_map' that names the shards");
  }
  std::map<std::string, std::vector<std::string>> shards;
  for (const auto& [tensor, shard] : map->items()) {
    if (!shard.is_string() || !stays_in_folder(shard.get<std::string>())) {
      throw_user_error(where, ": tensor ", in_quotes(tensor),
                       " is not in a file of this folder; expected a plain file name");
    }
    shards[shard.get<std::string>()].push_back(tensor);
  }
  return shards;
}

}  // namespace

std::optional<TensorType> weight_type(std::string_view dtype) {
  if (dtype == "F32") return TensorType::kF32;
  if (dtype == "F16") return TensorType::kF16;
  if (dtype == "BF16") return TensorType::kBF16;
  return std::nullopt;
}

SafetensorsFolder::SafetensorsFolder(const fs::path& folder) {
  const fs::path single = folder / "model.safetensors";
  const fs::path index = folder / "model.safetensors.index.json";
  std::error_code unreadable;  // then the file's own error comes from opening it
  if (fs::exists(single, unreadable) || unreadable) {
    files_.emplace_back(single);
  } else if (fs::exists(index, unreadable)) {
    for (const auto& [shard, names] : read_index(index)) {
      const SafetensorsFile& file = files_.emplace_back(folder / shard);
      for (const std::string& name : names) {
        if (file.find(name) == nullptr) {
          throw_user_error(index.string(), ": tensor ", in_quotes(name), " is not in ", in_quotes(shard));
        }
      }
    }
  } else {
    throw_user_error(folder.string(), ": got neither model.safetensors nor model.safetensors.index.json; ",
                     "expected a Hugging Face model folder");
  }
  for (const SafetensorsFile& file : files_) add_tensors(file);
}

void SafetensorsFolder::add_tensors(const SafetensorsFile& file) {
  for (const SafetensorsEntry& entry : file.entries()) {
    const std::string where = cat(file.file().path().string(), ": tensor ", in_quotes(entry.name));
    const auto type = weight_type(entry.dtype);
    if (!type) throw_user_error(where, ": got type ", entry.dtype, ", expected F32, F16 or BF16");
    if (entry.bytes == 0) throw_user_error(where, " is empty");
    if (!by_name_.try_emplace(entry.name, tensors_.size()).second) throw_user_error(where, " is in two shards");
    tensors_.push_back({entry.name, *type, entry.shape, file.data(entry)});
  }
}

const TensorView* SafetensorsFolder::find_tensor(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace tome
