#include <sys/syscall.h>
#include <unistd.h>

#include <cpuid.h>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "ops/kernels/kernels.h"

namespace tome::ops {
namespace {

// AMX's tiles are 8 KiB of state a thread, for which Linux wants to be asked: once, for the whole process.
bool may_use_tiles() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

// GCC 12's __builtin_cpu_supports knows no AMX: leaf 7, edx.
bool has_amx_bf16() {
  constexpr unsigned kTiles = 1u << 24, kBf16 = 1u << 22;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & kTiles) != 0 && (d & kBf16) != 0;
}

bool has(CpuLevel level) {
  const bool avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  if (level == CpuLevel::kAvx2) return avx2;
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                      __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0;
  if (level == CpuLevel::kAvx512) return avx512;
  const bool bf16 = avx512 && __builtin_cpu_supports("avx512bf16") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
  if (level == CpuLevel::kBf16) return bf16;
  static const bool tiles = bf16 && has_amx_bf16() && may_use_tiles();
  return tiles;
}

const Kernels& choose() {
  constexpr CpuLevel kBestFirst[] = {CpuLevel::kAmx, CpuLevel::kBf16, CpuLevel::kAvx512, CpuLevel::kAvx2};
  const char* asked = std::getenv("TOME_ISA");
  const std::string name = asked == nullptr ? "" : asked;
  if (!name.empty()) {
    CpuLevel level = CpuLevel::kAvx2;
    if (name == "avx512") {
      level = CpuLevel::kAvx512;
    } else if (name == "bf16") {
      level = CpuLevel::kBf16;
    } else if (name == "amx") {
      level = CpuLevel::kAmx;
    } else if (name != "avx2") {
      throw_user_error("TOME_ISA: got \"", name, "\", expected avx2, avx512, bf16 or amx");
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
    case CpuLevel::kAmx:
      return &level_amx::kTable;
  }
  return nullptr;
}

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace tome::ops
