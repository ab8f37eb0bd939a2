#include "formats/tensor_type.h"

#include "base/error.h"

namespace tome {
namespace {

struct Known {
  TensorType type;
  TensorTypeInfo info;
};

constexpr Known kKnown[] = {
    {TensorType::kF32, {"F32", 1, 4}},       {TensorType::kF16, {"F16", 1, 2}},
    {TensorType::kBF16, {"BF16", 1, 2}},     {TensorType::kQ4_0, {"Q4_0", 32, 18}},
    {TensorType::kQ4_1, {"Q4_1", 32, 20}},   {TensorType::kQ5_0, {"Q5_0", 32, 22}},
    {TensorType::kQ8_0, {"Q8_0", 32, 34}},   {TensorType::kQ4_K, {"Q4_K", 256, 144}},
    {TensorType::kQ6_K, {"Q6_K", 256, 210}},
};

}  // namespace

std::optional<TensorType> known_tensor_type(std::uint32_t number) {
  for (const Known& known : kKnown) {
    if (static_cast<std::uint32_t>(known.type) == number) return known.type;
  }
  return std::nullopt;
}

const TensorTypeInfo& info(TensorType type) {
  for (const Known& known : kKnown) {
    if (known.type == type) return known.info;
  }
  check_failed("a known tensor type", __FILE__, __LINE__, cat(static_cast<std::uint32_t>(type)));
}

std::size_t byte_size(TensorType type, std::size_t values) {
  const TensorTypeInfo& layout = info(type);
  TOME_CHECK(values % layout.block_values == 0, values, " numbers do not fill blocks of ", layout.name);
  return values / layout.block_values * layout.block_bytes;
}

}  // namespace tome
