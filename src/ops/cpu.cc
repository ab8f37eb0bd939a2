#include <cstdlib>
#include <string>

#include "base/error.h"
#include "ops/kernels/kernels.h"

namespace tome::ops {
namespace {

bool has(CpuLevel level) {
  const bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  if (level == CpuLevel::kAvx2) return avx2;
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                      __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0;
  if (level == CpuLevel::kAvx512) return avx512;
  return avx512 && __builtin_cpu_supports("avx512bf16") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
}

const Kernels& choose() {
  constexpr CpuLevel kBestFirst[] = {CpuLevel::kBf16, CpuLevel::kAvx512, CpuLevel::kAvx2};
  const char* asked = std::getenv("TOME_ISA");
  const std::string name = asked == nullptr ? "" : asked;
  if (!name.empty()) {
    CpuLevel level = CpuLevel::kAvx2;
    if (name == "avx512") {
      level = CpuLevel::kAvx512;
    } else if (name == "bf16") {
      level = CpuLevel::kBf16;
    } else if (name != "avx2") {
      throw_user_error("TOME_ISA: got \"", name, "\", expected avx2, avx512 or bf16");
    }
    const Kernels* table = kernels(level);
    if (table == nullptr) throw_user_error("TOME_ISA=", name, ": this CPU lacks those instructions; unset it");
    return *table;
  }
  for (const CpuLevel level : kBestFirst) {
    if (const Kernels* table = kernels(level)) return *table;
  }
  throw_user_error("this CPU lacks AVX2 and FMA, which tome needs (any x86 processor since about 2015 has them)");
}

}  // namespace

const Kernels* kernels(CpuLevel level) {
  if (!has(level)) return nullptr;
  switch (level) {
    case CpuLevel::kAvx2:
      return &level_avx2::kTable;
    case CpuLevel::kAvx512:
      return &level_avx512::kTable;
    case CpuLevel::kBf16:
      return &level_bf16::kTable;
  }
  return nullptr;
}

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace tome::ops
