// A GGUF file opens, and then all it gives out can be read and unpacked; or it is a UserError.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "formats/gguf.h"
#include "memory_file.h"

namespace {

constexpr std::size_t kLongestRow = 1u << 20;

void use(const tome::GgufFile& file) {
  for (const auto& [key, value] : file.metadata()) {
    TOME_CHECK(!file.encoded(key).empty());
    try {
      (void)file.get<std::vector<std::string_view>>(key);
      (void)file.get<std::int64_t>(key);
    } catch (const tome::UserError&) {
    }
  }
  for (const tome::TensorView& tensor : file.tensors()) {
    TOME_CHECK(file.find_tensor(tensor.name) == &tensor);
    if (tensor.columns() > kLongestRow) continue;
    std::vector<float> row(tensor.columns());
    tome::dequantize(tensor.type, tensor.row(0), row);
    tome::dequantize(tensor.type, tensor.row(tensor.rows() - 1), row);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const tome::MemoryFile bytes({reinterpret_cast<const char*>(data), size});
  try {
    use(tome::GgufFile(bytes.path()));
  } catch (const tome::UserError&) {
  }
  return 0;
}
